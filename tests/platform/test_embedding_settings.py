"""The operator's embedding models: what the environment and the TOML file say, and every mistake named at the start."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from switchboard import embedding_settings

from knowledge.embedding import ModelChoice, catalogue

KEY = "sk-never-shown"
FILE = """
[multilingual]
model = "/models/e5"
query_prompt = "query: "

[hosted]
model = "large"
base_url = "https://models.example/v1/"
dimensions = 256
api_key_env = "HOSTED_KEY"
"""


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODEL", "BASE_URL", "API_KEY", "MODELS", "QUERY_PROMPT", "DIMENSIONS", "TIMEOUT"):
        monkeypatch.delenv(f"EMBEDDING_{name}", raising=False)


def test_without_settings_it_is_the_bundled_model() -> None:
    assert embedding_settings.read() == embedding_settings.EmbeddingModels({"": {}}, {})


def test_environment_and_file_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: object) -> None:
    (tmp_path / "models.toml").write_text(FILE)
    for name, value in {
        "EMBEDDING_MODEL": "small", "EMBEDDING_BASE_URL": "http://gpu:8001/v1", "EMBEDDING_API_KEY": "own",
        "EMBEDDING_QUERY_PROMPT": "", "EMBEDDING_MODELS": str(tmp_path / "models.toml"), "HOSTED_KEY": KEY,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    found = embedding_settings.read()
    settings.EMBEDDING_MODELS, settings.EMBEDDING_API_KEYS = found.models, found.api_keys  # type: ignore[attr-defined]
    hosted = ModelChoice("large", "https://models.example/v1", dimensions=256)
    assert catalogue.installed() == ModelChoice("small", "http://gpu:8001/v1", query_prompt="")
    assert catalogue.named() == {"multilingual": ModelChoice("/models/e5", query_prompt="query: "), "hosted": hosted}
    assert catalogue.endpoint_of(hosted).api_key == KEY
    assert catalogue.endpoint_of(catalogue.installed()).api_key == "own"
    assert catalogue.endpoint_of(ModelChoice("large", "https://other.example/v1")).api_key == "", "a key has its place"
    assert catalogue.title_of(hosted) == "hosted"
    assert KEY not in f"{found!r} {catalogue.endpoint_of(hosted)!r} {hosted.as_json()}"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"EMBEDDING_BASE_URL": "models.example/v1", "EMBEDDING_MODEL": "m"},
            "EMBEDDING_BASE_URL: “models.example/v1”",
        ),
        ({"EMBEDDING_BASE_URL": "https://models.example/v1"}, "EMBEDDING_MODEL: name the model"),
        ({"EMBEDDING_DIMENSIONS": "256"}, "EMBEDDING_DIMENSIONS: this is for models behind an endpoint"),
        ({"EMBEDDING_DIMENSIONS": "few"}, "EMBEDDING_DIMENSIONS is “few”: give a number"),
        ({"EMBEDDING_MODELS": "/no/such.toml"}, "EMBEDDING_MODELS: the file /no/such.toml cannot be read"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=words):
        embedding_settings.read()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("model = 'x'", r"\[model\]: give a table"),
        ("[a]\nmodell = 'x'", r"\[a\]: modell: there is no such field; there are model, base_url"),
        ("[a]\nmodel = 3", r"\[a\]: model: “3” is not a text"),
        ("[a]\nmodel = 'm'\nbase_url = 'https://x'\ndimensions = -1", r"\[a\]: dimensions: “-1” is not a whole number"),
        ("[a]\nmodel = 'm'\nbase_url = 'https://x'\napi_key_env = 'UNSET_KEY'", "names UNSET_KEY, which is not set"),
        ("[a]\napi_key_env = 'UNSET_KEY'", "api_key_env: this is for models behind an endpoint"),
        ("[a", "cannot be read"),
    ],
)
def test_a_wrong_line_of_the_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "models.toml").write_text(content)
    monkeypatch.setenv("EMBEDDING_MODELS", str(tmp_path / "models.toml"))
    with pytest.raises(ImproperlyConfigured, match=words):
        embedding_settings.read()
