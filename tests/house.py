"""The import graph of the house, drawn: which package imports which, without what follows from the rest.

    python tests/house.py            prints docs/architecture.md's picture
    python tests/house.py write      sets it into the document anew

Imports within functions count, those for the type checker alone don't, and neither do the entry modules
(`__main__`), which put things together. An arrow is left out where a longer way leads from the one to the other.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
PACKAGES = ("sv_eval", "hydra_plugins")
DOCUMENT = HOUSE / "docs" / "architecture.md"
_PICTURE = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)


def sources() -> dict[str, str]:
    """The text of every module of the house, by dotted name."""
    found = {}
    for path in (file for package in PACKAGES for file in _modules(HOUSE / package)):
        parts = path.relative_to(HOUSE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def _modules(package: Path) -> Iterator[Path]:
    """Its files, those behind links to the folders beside the package too."""
    for folder, _, files in os.walk(package, followlinks=True):
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


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


def circle_in(graph: Mapping[str, set[str]]) -> str:
    """A circle of modules, in the order in which they import each other; empty without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # It lists what is imported before what imports it.
        return " -> ".join(reversed(error.args[1]))
    return ""


def rooms(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The graph of the rooms, and of the modules that lie beside them; what only leads into `cli` is left out."""
    found: dict[str, set[str]] = {}
    for name, imported in graph.items():
        if name.endswith("__main__") or name in PACKAGES or _is_door(name):
            continue
        here = _room(name)
        there = {_room(one) for one in imported if one not in PACKAGES} - {here}
        found.setdefault(here, set()).update(there)
    return found


def shortened(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The arrows that don't follow from the others (transitive reduction); of a graph without circles."""
    order = list(TopologicalSorter(graph).static_order())
    below: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {}
    for name in order:
        imported = graph.get(name, set())
        found[name] = {
            one for one in imported if not any(one in below[other] for other in imported if other != one)
        }
        below[name] = imported | {far for one in imported for far in below[one]}
    return found


def picture() -> str:
    """The graph as Mermaid, which GitHub and others draw."""
    graph = shortened(rooms(graph_of(sources())))
    lines = ["```mermaid", "flowchart TD"]
    for name in sorted(graph):
        lines.append(f'  {_id(name)}["{name.removeprefix("sv_eval.")}"]')
        lines += [f"  {_id(name)} --> {_id(one)}" for one in sorted(graph[name])]
    return "\n".join([*lines, "```", ""])


def _is_door(module: str) -> bool:
    """Whether it is there for `python -m sv_eval.<command>` alone."""
    command = module.removeprefix("sv_eval.")
    beside, inside = HOUSE / "sv_eval" / f"{command}.py", HOUSE / "sv_eval" / "cli" / f"{command}.py"
    return command == "models" or (beside.is_file() and inside.is_file())


def _room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "sv_eval" else parts[0]


def _id(name: str) -> str:
    return name.replace(".", "_")


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


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(_PICTURE.sub(lambda _: picture(), text), encoding="utf-8")
    else:
        print(picture(), end="")
