"""Tests hand fakes in; they don't change our own code under its feet."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
OURS = ("sv_eval", "backends", "reports", "hydra_plugins")
PATCHING = {"setattr", "delattr", "setitem", "delitem", "patch", "patch.object", "patch.dict", "patch.multiple"}


def patches(source: str) -> Iterator[str]:
    """The lines of a test file that patch what is ours.

    What is ours is a name that the file imports from our packages, with whatever hangs from it by dots or keys, or
    a text such as "sv_eval.run.prefetch". It is patched by `monkeypatch.setattr`, `setitem` and their like, by
    `mock.patch` and its like, by the built-in `setattr` and `delattr`, and by plain assignment or deletion.
    What the file built itself, such as an instance of a class of ours, is not seen.
    """
    tree = ast.parse(source)
    names = set(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = ast.unparse(node.func).split(".")
            called = {words[-1], ".".join(words[-2:])}
            found = bool(called & PATCHING) and any(_is_ours(one, names) for one in node.args[:1])
        else:
            found = any(
                isinstance(one, ast.Attribute | ast.Subscript) and _is_ours(one, names) for one in _set(node)
            )
        if found:
            yield f"{node.lineno}: {ast.unparse(node)}"


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                one.asname or one.name.partition(".")[0] for one in node.names if one.name.partition(".")[0] in OURS
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            yield from (one.asname or one.name for one in node.names)


def _set(node: ast.AST) -> list[ast.expr]:
    """What a statement assigns to or deletes."""
    if isinstance(node, ast.Assign | ast.Delete):
        return [each for one in node.targets for each in (one.elts if isinstance(one, ast.Tuple) else [one])]
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []


def _is_ours(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.partition(".")[0] in OURS and "." in node.value
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id in names


@pytest.mark.parametrize(
    "line",
    [
        "monkeypatch.setattr(prefetch, 'Executor', Fake)",
        "monkeypatch.setattr('sv_eval.run.prefetch.Executor', Fake)",
        "monkeypatch.setattr(Engine, 'infer', fake)",
        "monkeypatch.setitem(prefetch.TABLE, 'key', 1)",
        "mock.patch.object(prefetch, 'Executor')",
        "patch('sv_eval.backends.onnx.OnnxEngine')",
        "setattr(Engine, 'infer', fake)",
        "prefetch.Executor = Fake",
        "prefetch.TABLE['key'] = 1",
        "other, Engine.infer = 1, fake",
        "del prefetch.TABLE['key']",
    ],
)
def test_patches_are_seen(line: str) -> None:
    head = "from sv_eval.run import prefetch\nfrom sv_eval.backends.onnx_engine import OnnxEngine as Engine\n"

    assert len(list(patches(head + line))) == 1


def test_fakes_and_patches_of_what_is_not_ours_are_let_be() -> None:
    source = """
from sv_eval.run import prefetch
from elsewhere import constants
monkeypatch.setattr(constants, "OFFLINE", True)
monkeypatch.setitem(environment, "KEY", "sv_eval")
monkeypatch.setenv("KEY", prefetch.NAME)
settings = dict(prefetch.TABLE)
engine.infer = prefetch.infer
"""

    assert list(patches(source)) == []


def test_no_test_patches_our_own_code() -> None:
    found = [
        f"{path.relative_to(TESTS.parent)}:{line}"
        for path in sorted(TESTS.rglob("*.py"))
        for line in patches(path.read_text(encoding="utf-8"))
    ]

    assert not found, "hand a fake in instead; where nothing takes one, give our code an argument for it"
