"""What an operator can set and run is written down for operators: in the README or in docs/."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md")))
# Run by Django, by the image or by bin/demo, never by hand.
INTERNAL = {"migrate", "prepare_models", "seed_demo"}
# Set by bin/demo for the processes that it starts.
SET_BY_US = {"DEMO", "PYTHONPATH"}
ASKING = {"setting", "flag", "words", "one_of", "number"}


def test_every_setting_from_the_environment_is_documented() -> None:
    project = ROOT / "platform" / "switchboard"
    read = {name for path in project.glob("*.py") for name in _environment_names(path)}
    assert {"SECRET_KEY", "LLM_BASE_URL", "DOCUMENT_SECONDS"} <= read, "the search finds settings"
    assert sorted(name for name in read - SET_BY_US if f"`{name}`" not in DOCUMENTS) == []


def test_every_command_is_documented() -> None:
    commands = {path.stem for path in (ROOT / "platform/switchboard/management/commands").glob("[a-z]*.py")}
    assert {"ask", "evaluate", "finetune"} <= commands
    assert sorted(name for name in commands - INTERNAL if f"manage.py {name}" not in DOCUMENTS) == []


def _environment_names(path: Path) -> set[str]:
    """The names that a file asks `os.environ` for, or one of the functions of switchboard.environment."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {
        node.args[0].value
        for node in calls
        if ast.unparse(node.func).split(".")[-1] in ASKING or ast.unparse(node.func).endswith("environ.get")
        if node.args and isinstance(node.args[0], ast.Constant) and str(node.args[0].value).isupper()
    }
