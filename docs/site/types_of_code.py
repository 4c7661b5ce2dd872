"""What modules say of themselves: classes, fields and functions with their docstrings, read without importing."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "sv_eval"


def fields_of(*modules: str) -> dict[str, str]:
    """Field to what its line says, of all classes in the modules; one that means several things is left out.

    The fields of a field that is a class of these modules have its name in front as well: `margins.uar`.
    """
    classes = {
        node.name: list(_fields(node))
        for path in map(PACKAGE.joinpath, modules)
        if path.is_file()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
    }
    found: dict[str, set[str]] = {}
    for fields in classes.values():
        for name, kind, says in fields:
            found.setdefault(name, set()).add(says)
            for inner in set(re.findall(r"\w+", kind)) & classes.keys():
                for below, _, told in classes[inner]:
                    found.setdefault(f"{name}.{below}", set()).add(told)
    return {name: says.pop() for name, says in found.items() if len(says) == 1 and says != {""}}


def api_page(title: str, modules: dict[str, str]) -> str:
    """A page on modules: dotted name to a sentence; their public classes and functions."""
    parts = [f"# {title}\n"]
    for module, sentence in modules.items():
        path = PACKAGE.parent.joinpath(*module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        parts.append(f"## {module}\n\n{sentence}\n")
        for node in _tree(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                parts += _class(module, node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                parts += [f"### {module}.{node.name}\n", _signature(node), _doc(node)]
    return "\n".join(parts)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _class(module: str, node: ast.ClassDef) -> Iterator[str]:
    bases = ", ".join(map(ast.unparse, node.bases))
    yield f"### {module}.{node.name}\n"
    yield f"```python\nclass {node.name}{f'({bases})' if bases else ''}\n```\n"
    yield _doc(node)
    fields = [row for row in _fields(node) if not row[0].startswith("_")]
    if fields:
        yield "| field | type | says |\n|---|---|---|"
        for name, kind, says in fields:
            yield f"| `{name}` | `{kind.replace('|', chr(92) + '|')}` | {_escaped(says)} |"
        yield ""
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_"):
            yield f"**{node.name}.{item.name}**\n"
            yield _signature(item)
            yield _doc(item)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Name, type and doc line of each annotated field."""
    for item, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        says = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            says = " ".join(inspect.cleandoc(str(after.value.value)).split())
        yield item.target.id, ast.unparse(item.annotation), says


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    head = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"```python\n{head} {node.name}({ast.unparse(node.args)}){returns}\n```\n"


def _doc(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The docstring; its examples as code."""
    text = ast.get_docstring(node)
    if not text:
        return ""
    parts = []
    for part in text.split("\n\n"):
        code = part.lstrip().startswith(">>>") or part.startswith("    ")
        parts.append(f"```\n{inspect.cleandoc(part)}\n```" if code else _escaped(part))
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    """Prose as Markdown: what looks like mark-up is none, but for words in backticks."""
    parts = re.split(r"(`+[^`]*`+)", text)
    return "".join(
        part.replace("|", "\\|") if part.startswith("`") else re.sub(r"([<>*_\[\]|])", r"\\\1", part)
        for part in parts
    )
