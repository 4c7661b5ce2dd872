"""Lines that don't belong to a run, put aside where everybody sees them."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path

from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.lines import RECORDS, DuplicateResolver, parsed, read_lines
from sv_eval.record_file.seal import Seal, clip_of, kept_run_id
from sv_eval.written_files import replace_whole

SET_ASIDE = "set_aside.jsonl"


def set_aside(directory: Path, references: Mapping[str, str | None] | None = None) -> list[str]:
    """Move lines that are not of this run from its records into `set_aside.jsonl`; what was said of each.

    references: the corpus's clips with their references, where it is at hand; a record of another clip, or with
    another reference, does not belong either. Raises RunDirectoryError when another process writes the run.
    """
    path = directory / RECORDS
    if not path.is_file():
        return []
    with path.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunDirectoryError(f"{path}: another process is writing this run; wait for it to end") from error
        run_id = kept_run_id(directory)
        seal = None if run_id is None else Seal(run_id)
        duplicates, kept, aside = DuplicateResolver(str(path)), list[bytes](), list[dict[str, object]]()
        for number, line in enumerate(read_lines(path), 1):
            why = None if seal is None else seal.what_differs(line)
            why = why or _why_strange(line, number, duplicates, references)
            if why is None:
                kept.append(line)
            else:
                told = {"line": number, "clip": clip_of(line), "why": why}
                aside.append({**told, "text": line.decode("utf-8", errors="backslashreplace").rstrip("\n")})
        if aside:
            _keep(directory / SET_ASIDE, [json.dumps(one).encode("ascii") + b"\n" for one in aside])
            replace_whole(path, b"".join(kept))
    return [f"line {one['line']}, clip {one['clip']!r}: {one['why']}" for one in aside]


def _keep(path: Path, lines: list[bytes]) -> None:
    """Add lines to those that were put aside before.

    A kill may come between this and the taking of them from the records; when they come again, they are not to be
    there twice.
    """
    before = list(read_lines(path)) if path.is_file() else []
    known = frozenset(before)
    replace_whole(path, b"".join((*before, *(line for line in lines if line not in known))))


def count_set_aside(directory: Path) -> int:
    """How many lines were put aside."""
    path = directory / SET_ASIDE
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _why_strange(
    line: bytes, number: int, duplicates: DuplicateResolver, references: Mapping[str, str | None] | None
) -> str | None:
    """What a reader would refuse about the line; None for nothing."""
    try:
        for _, record in parsed([line], "it"):
            duplicates.take(number, record)
            return strange_to(references, record.clip.id, record.clip.reference)
    except RunDirectoryError as error:
        return str(error)
    return "it is empty"


def strange_to(references: Mapping[str, str | None] | None, clip_id: str, reference: object) -> str | None:
    """What about a record is not as in the corpus; None for nothing, or where the corpus is not at hand."""
    if references is None:
        return None
    if clip_id not in references:
        return "the corpus has no such clip"
    if references[clip_id] != reference:
        return f"its reference is {reference!r}, and {references[clip_id]!r} in the corpus"
    return None
