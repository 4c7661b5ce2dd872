"""No module imports, by whatever way round, what imports it; and the house is drawn as it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _house() -> ModuleType:
    """tests/house.py, which is a script."""
    path = Path(__file__).resolve().parents[1] / "house.py"
    spec = importlib.util.spec_from_file_location("house", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


house = _house()


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
    found = house.circle_in(house.graph_of(sources))

    assert bool(found) == bool(circle)
    # Where it is entered is left to the search.
    assert set(circle.split(" -> ")) <= set(found.split(" -> "))


def test_no_modules_import_each_other_in_a_circle() -> None:
    sources = house.sources()

    circle = house.circle_in(house.graph_of(sources))

    assert len(sources) > 300
    assert not circle, "move what both need into a module of its own, which imports neither"


def test_no_packages_import_each_other_in_a_circle() -> None:
    circle = house.circle_in(house.rooms(house.graph_of(house.sources())))

    assert not circle


def test_arrows_that_follow_from_others_are_left_out() -> None:
    assert house.shortened({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_the_picture_in_the_documentation_is_that_of_the_code() -> None:
    assert house.picture() in house.DOCUMENT.read_text(encoding="utf-8"), "python tests/house.py write"
