"""The way out of a process: an error becomes one line and an exit code."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from sv_eval.config.explaining import explain_composition
from sv_eval.errors import EXIT_INCOMPLETE, EXIT_PASS, EXIT_USAGE, SvEvalError
from sv_eval.machine.terminal import complain

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run_command(
    command: Callable[[], object],
    *,
    let_through: tuple[type[Exception], ...] = (),
    main_file: str | None = None,
    words: Sequence[str] = (),
) -> int:
    """Run a command's body; an error is said on stderr in one line, and the exit code comes back.

    A body that gives a whole number says its exit code so; anything else is 0.

    Errors of the types in `let_through` are said and then raised again. main_file and words: what the command
    composes, for the names of settings that are near a misspelt one.

    An error that sv_eval does not understand keeps its traceback: that is a defect, to be reported whole.
    """
    try:
        code = command()
    except SvEvalError as error:
        complain(error)
        if isinstance(error, let_through):
            raise
        return error.exit_code
    except KeyboardInterrupt:
        complain("interrupted; what was finished is kept, and the same command goes on from there or begins again")
        return EXIT_INCOMPLETE
    except SystemExit as error:
        if _module_of(error) == "argparse":
            # Said already: a flag that there is not.
            return error.code if isinstance(error.code, int) else EXIT_USAGE
        complain(
            f"something that was called wanted to end the program ({error!r}), which only the command itself does"
        )
        return EXIT_INCOMPLETE
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            complain(f"{error.filename or 'what was to be written'}: {error.strerror}; make room there first")
            return EXIT_INCOMPLETE
        message = explain_composition(error, main_file, words) or _explain_file(error)
        if message is None:
            raise
        complain(message)
        return EXIT_USAGE
    return code if isinstance(code, int) else EXIT_PASS


def _module_of(error: BaseException) -> str:
    """Which module raised the error."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return "" if last is None else str(last.tb_frame.f_globals.get("__name__"))


def _explain_file(error: BaseException) -> str | None:
    """One line for a file that the system refused; None for any other error."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None
