"""What several tests of the knowledge share."""

from pathlib import Path

import pytest
from django.conf import settings

from knowledge.embedding import source, store
from tests import tiny_model


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of one layer. Its export is where the bundled model's is, made in this process: another one
    would first have to load PyTorch, which takes ten times as long as the export itself."""
    from knowledge.embedding import export

    folder = tiny_model.make(tmp_path_factory.mktemp("models") / "tiny")
    with pytest.MonkeyPatch.context() as here:
        here.setattr(store, "_export_in_child", lambda found, partial: export.export(found, partial))
        assert store.ensure_exported(source.locate(str(folder)), Path(settings.DATA_DIR) / "models")
    return folder
