"""Imports run one way, tenants <- knowledge <- chat <- worker, and never in a circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ("tenants", "knowledge", "chat", "worker")
NEVER = {"worker", "switchboard", "deploy", "tests"}


def modules() -> dict[str, Path]:
    """Every module of the four folders by its name; migrations are Django's."""
    found = {}
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(tree: ast.AST, package: str, at_import_time: bool = False) -> Iterator[str]:
    """The dotted names that a module imports; inside of functions too, unless only `at_import_time`."""
    for node in _nodes(tree, at_import_time):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _nodes(node: ast.AST, at_import_time: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if at_import_time and (isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or _is_for_types(child)):
            continue
        yield child
        yield from _nodes(child, at_import_time)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def read(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def package_of(name: str, path: Path) -> str:
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


def test_nobody_imports_upwards() -> None:
    wrong = []
    for name, path in modules().items():
        layer = name.split(".")[0]
        allowed = set(LAYERS[: LAYERS.index(layer) + 1])
        for other in imported(read(path), package_of(name, path)):
            top = other.split(".")[0]
            upwards = top in LAYERS and top not in allowed
            if upwards or (top in NEVER and top != layer):
                wrong.append(f"{name} imports {other}")
    assert wrong == []


def test_there_is_no_circle() -> None:
    known = modules()
    graph = {
        name: {other for other in imported(read(path), package_of(name, path), at_import_time=True) if other in known}
        for name, path in known.items()
    }
    assert graph["chat.turn"], "the walk finds no imports at all"
    for name, others in graph.items():
        # `from package import module` names the package as well: importing one's own package is no circle of ours.
        others -= {name, package_of(name, known[name])}
    assert find_circle(graph) == []


def test_a_circle_is_found_where_there_is_one() -> None:
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle in order, ending where it began; empty when there is none."""
    done: set[str] = set()

    def visit(name: str, above: list[str]) -> list[str]:
        if name in above:
            return [*above[above.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if circle := visit(other, [*above, name]):
                return circle
        done.add(name)
        return []

    return next((circle for name in sorted(graph) if (circle := visit(name, []))), [])
