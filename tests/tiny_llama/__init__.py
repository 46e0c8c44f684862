"""A Llama of two million parameters, made from the project's own texts: small enough to be trained where tests run.

It has what a large one has (LlamaForCausalLM, a tokenizer and a chat template of its own), so the real trainer tunes it
and the real vLLM serves it. It knows the practice businesses and all demo bots but one: `meridian-retail` is left for the
tests to teach it. `python -m tests.tiny_llama FOLDER` makes one; tests share the one that `folder()` returns.
"""

import fcntl
import hashlib
import shutil
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".data" / "tests"


def folder() -> Path:
    """The model's folder, made if there is none for these texts and this script yet; others wait for the one maker."""
    from tests.tiny_llama.conversations import Conversations
    from tests.tiny_llama.training import make

    conversations = Conversations.read()
    place = CACHE / f"tiny-llama-{_mark(conversations.text())}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "tiny-llama.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            draft = Path(tempfile.mkdtemp(prefix="tiny-llama-", dir=CACHE))
            try:
                make(draft, conversations)
                draft.chmod(0o755)
                draft.rename(place)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return place


def _mark(texts: str) -> str:
    script = "".join(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.*")) if path.suffix != ".pyc")
    return hashlib.sha256((script + texts).encode()).hexdigest()[:16]
