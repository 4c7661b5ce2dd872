"""The errors that a user can cause or meet, each with the exit code it ends a command with.

Every message is one line and answers three questions: what was wrong, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_PASS = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_GATE_FAILED = 3
EXIT_GATE_INCONCLUSIVE = 4
EXIT_INCOMPLETE = 5


class SvEvalError(Exception):
    """An error that sv_eval understands; a command prints its message and ends with `exit_code`."""

    exit_code: int = EXIT_ERROR


class UsageError(SvEvalError):
    """The command, its configuration or the data it was pointed at is wrong; the user can mend it."""

    exit_code = EXIT_USAGE


class ConfigError(UsageError):
    """A configuration value or key is wrong."""


class MissingPackageError(ConfigError):
    """What was asked for needs a package that is not installed; the message names what brings it."""


class CorpusError(UsageError):
    """A corpus, its card or its manifest can't be read as it stands."""


class ModelError(UsageError):
    """A model directory is missing, incomplete or not what the backend expects."""


class RunDirectoryError(UsageError):
    """The run directory can't be written, or belongs to a different run."""


class ExportError(SvEvalError):
    """Another tool, or its store, did not take what was exported to it."""


class RunIncomplete(SvEvalError):  # noqa: N818 - a state of the run more than an error
    """The run ended before every clip had its record; what was finished is kept."""

    exit_code = EXIT_INCOMPLETE


class RunInterrupted(RunIncomplete):
    """A person or the system asked the run to stop; a sweep ends with it."""


class RunGivenUp(RunIncomplete):
    """The run was not worth going on with, as those who started it decide; a tuning trial ends so."""


class BackendLost(RunIncomplete):
    """The backend itself is gone (process died, endpoint unreachable): no further clip can be answered."""


class NoRoomError(RunIncomplete):
    """A disk is full, or fails: what was written before is whole, and what came then could not be kept."""


class RunVanished(RunIncomplete):
    """The run's directory was removed or replaced while the run was writing into it."""


class ClipError(SvEvalError):
    """One clip can't be processed; it becomes a FAILURE record of this `kind` and the run goes on."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class AudioError(ClipError):
    """A clip's audio can't be decoded or breaks a limit.

    Kinds: `not_found`, `not_audio`, `truncated`, `empty`, `too_short`, `too_long`, `too_large`, `wrong_scale`,
    `no_channel`, `cancelling`; of files in a store also `no_permission`, `unreachable`.
    """


class InferenceError(ClipError):
    """The backend could not answer for this clip. Kinds are the backend's own words, in snake_case."""


class GateFailed(SvEvalError):  # noqa: N818 - a verdict more than an error
    """A rule of the gate is broken."""

    exit_code = EXIT_GATE_FAILED


class GateInconclusive(SvEvalError):  # noqa: N818 - a verdict more than an error
    """No rule is broken, but not all of them could be decided."""

    exit_code = EXIT_GATE_INCONCLUSIVE


_WORSE = (EXIT_PASS, EXIT_GATE_INCONCLUSIVE, EXIT_GATE_FAILED, EXIT_INCOMPLETE, EXIT_USAGE, EXIT_ERROR)
"""Exit codes, each worse than those before it."""


def worst(codes: Iterable[int]) -> int:
    """The code of a command whose parts ended with these; one that is not ours is as bad as an error.

    >>> worst([EXIT_PASS, EXIT_GATE_INCONCLUSIVE, EXIT_GATE_FAILED, EXIT_PASS])
    3
    """
    return max(codes, key=lambda code: _WORSE.index(code) if code in _WORSE else len(_WORSE))


def nearest(word: str, choices: Iterable[str]) -> str:
    """A `did you mean` clause for `word`, or the list of choices when nothing is near.

    >>> nearest("emobd", ["emodb", "demo", "folder"])
    'did you mean emodb, demo?'
    >>> nearest("zzz", ["onnx", "fake"])
    'choose one of: fake, onnx'
    """
    options = sorted(choices)
    near = difflib.get_close_matches(word, options, n=3, cutoff=0.5)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"choose one of: {', '.join(options)}" if options else "there is nothing to choose from"


if __name__ == "__main__":
    print(f"sv_eval.errors is no command, but for programs: import sv_eval.errors\n\n{__doc__}")
