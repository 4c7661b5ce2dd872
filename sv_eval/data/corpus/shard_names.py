"""Which files a root stands for that names shards: a pattern with braces, a glob, or a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from sv_eval.data.corpus.tree import files_below, glob_regex
from sv_eval.data.storage.place import Place, placed
from sv_eval.errors import CorpusError

_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*,[^{}]*)\}")
_MOST_SHARDS = 1_000_000


def shard_names(pattern: str) -> list[str]:
    """The names that braces stand for, in order; raises CorpusError.

    >>> shard_names("s3://b/{train,test}-{08..10}.tar")[:3]
    ['s3://b/train-08.tar', 's3://b/train-09.tar', 's3://b/train-10.tar']
    """
    pieces: list[list[str]] = []
    at, many = 0, 1
    for found in _BRACES.finditer(pattern):
        first, last, words = found.groups()
        if words is None:
            if int(last) < int(first) or (int(last) - int(first) + 1) * many > _MOST_SHARDS:
                raise CorpusError(f"dataset.root={pattern}: {found[0]} stands for no number, or for far too many")
            chosen = [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
        else:
            chosen = words.split(",")
        many *= len(chosen)
        pieces += [[pattern[at : found.start()]], chosen]
        at = found.end()
    return ["".join(parts) for parts in product(*pieces, [pattern[at:]])]


def shards_of(root: str | None, ending: str) -> list[Path | Place]:
    """The shards that the root names, in order; raises CorpusError. ending: with its dot, that of every shard."""
    if root is None:
        raise CorpusError(
            f"dataset.root isn't set: give the shards, dataset.root=DIR/shard-{{000..009}}{ending}, or a folder "
            "of them"
        )
    found: list[Path | Place] = []
    for name in shard_names(root):
        if name.lower().endswith(ending) and "*" not in name:
            found.append(placed(name))
            continue
        folder, glob = name, f"**/*{ending}"
        if "*" in name:
            folder, _, glob = name.rpartition("/") if "*" not in name.rpartition("/")[0] else (name, "", "")
            if not glob:
                raise CorpusError(f"dataset.root={root}: `*` may stand in a shard's own name, not in its folder's")
        below = placed(folder or ".")
        if isinstance(below, Path) and not below.is_dir():
            raise CorpusError(
                f"dataset.root={root}: {below} is no folder and no {ending}; give shards or their folder"
            )
        if isinstance(below, Place) and not below.lists:
            raise CorpusError(
                f"dataset.root={root}: a web server can't say which files it has; name them all, with braces: "
                f"shard-{{000..009}}{ending}"
            )
        paths = sorted(path for path, _ in files_below(below) if glob_regex(glob).fullmatch(path))
        found += [below / path for path in paths]
    if not found:
        raise CorpusError(f"dataset.root={root}: there is no {ending}")
    return found


def short_names(shards: Sequence[Path | Place]) -> list[str]:
    """What each shard is called in paths of clips: its file's name, with folders where two share it."""
    names = [shard.name for shard in shards]
    return names if len(set(names)) == len(names) else [str(shard) for shard in shards]
