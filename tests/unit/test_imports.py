"""No module imports, by whatever way round, what imports it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
PACKAGES = ("sv_eval", "backends", "reports", "hydra_plugins")


def graph_of(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """What each module imports of the others, those within functions counted; `sources` are by dotted name.

    A package is its `__init__`, which runs before whatever else is imported from below it. Imports for the type
    checker alone (`if TYPE_CHECKING:`) don't count.
    """
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        imported = set(_imported(ast.parse(source)))
        asked_for = {one if one in sources else one.rpartition(".")[0] for one in imported}
        # A module's own packages have begun before it.
        run_before = {above for one in asked_for for above in _with_packages(one)} - set(_with_packages(name))
        graph[name] = {one for one in asked_for | run_before if one in sources and one != name}
    return graph


def _with_packages(module: str) -> Iterator[str]:
    """The module and the packages above it."""
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _imported(node: ast.AST) -> Iterator[str]:
    """The dotted names that are imported; for `from a import b` that is `a.b`."""
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, f"line {node.lineno}: an import that begins with a dot"
        yield from (f"{node.module}.{one.name}" for one in node.names)
    typing_only = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    for child in node.orelse if typing_only else ast.iter_child_nodes(node):
        yield from _imported(child)


def circle_in(graph: Mapping[str, set[str]]) -> str:
    """A circle of modules, in the order in which they import each other; empty without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # It lists what is imported before what imports it.
        return " -> ".join(reversed(error.args[1]))
    return ""


@pytest.mark.parametrize(
    ("sources", "circle"),
    [
        ({"p.a": "import p.b", "p.b": "import p.c", "p.c": ""}, ""),
        ({"p.a": "from p import b", "p.b": "def late():\n    from p.a import x"}, "p.a -> p.b -> p.a"),
        ({"p": "", "p.a": "from p import b", "p.b": "import p.c.d", "p.c": "import p.a", "p.c.d": ""}, "p.c"),
        ({"p": "from p.a import x", "p.a": "from p.b import y", "p.b": ""}, ""),
        ({"p": "from p.a import x", "p.a": "from p import y"}, "p -> p.a -> p"),
        ({"p.a": "import p.b", "p.b": "if TYPE_CHECKING:\n    import p.a\nelse:\n    import p.c", "p.c": ""}, ""),
    ],
)
def test_a_circle_is_found(sources: dict[str, str], circle: str) -> None:
    found = circle_in(graph_of(sources))

    assert bool(found) == bool(circle)
    # Where it is entered is left to the search.
    assert set(circle.split(" -> ")) <= set(found.split(" -> "))


def test_no_modules_import_each_other_in_a_circle() -> None:
    sources = {}
    for path in (file for package in PACKAGES for file in sorted((HOUSE / package).rglob("*.py"))):
        parts = path.relative_to(HOUSE).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")

    circle = circle_in(graph_of(sources))

    assert len(sources) > 300
    assert not circle, "move what both need into a module of its own, which imports neither"
