"""The boundary around one clip: whatever goes wrong inside becomes that clip's failure.

Corpus readers and backends may be anybody's code and may raise anything; a run must not die of one clip.
"""

from __future__ import annotations

from sv_eval.errors import ClipError, SvEvalError
from sv_eval.records import Failure

_LONGEST_MESSAGE = 300


class around_one_clip:  # noqa: N801 - it is used as a function is
    """Run a block; an error in it is put into the list that is yielded, and goes no further.

    A ClipError keeps its own kind, an error of any other origin gets `kind`. Errors of sv_eval that are about
    more than one clip (a lost backend, an unwritable record) pass through.
    """

    # No generator: three of these are around every clip, and each would cost a microsecond.
    __slots__ = ("_failures", "_kind")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._failures: list[Failure] = []

    def __enter__(self) -> list[Failure]:
        return self._failures

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is None:
            return False
        if isinstance(error, ClipError):
            self._failures.append(Failure(kind=error.kind, message=_one_line(str(error))))
        elif isinstance(error, Exception) and not isinstance(error, SvEvalError):
            message = f"{type(error).__name__}: {error}"
            self._failures.append(Failure(kind=self._kind, message=_one_line(message)))
        return bool(self._failures)


def _one_line(message: str) -> str:
    return " ".join(message.split())[:_LONGEST_MESSAGE]
