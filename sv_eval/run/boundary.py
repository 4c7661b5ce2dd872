"""The boundary around one clip: whatever goes wrong inside becomes that clip's failure.

Corpus readers and backends may be anybody's code and may raise anything; a run must not die of one clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sv_eval.errors import ClipError, SvEvalError
from sv_eval.records import Failure

_LONGEST_MESSAGE = 300


@contextmanager
def around_one_clip(kind: str) -> Iterator[list[Failure]]:
    """Run a block; an error in it is put into the list that is yielded, and goes no further.

    A ClipError keeps its own kind, an error of any other origin gets `kind`. Errors of sv_eval that are about
    more than one clip (a lost backend, an unwritable record) pass through.
    """
    failures: list[Failure] = []
    try:
        yield failures
    except ClipError as error:
        failures.append(Failure(kind=error.kind, message=_one_line(str(error))))
    except SvEvalError:
        raise
    except Exception as error:  # noqa: BLE001 - the one place where anything may be caught
        failures.append(Failure(kind=kind, message=_one_line(f"{type(error).__name__}: {error}")))


def _one_line(message: str) -> str:
    return " ".join(message.split())[:_LONGEST_MESSAGE]
