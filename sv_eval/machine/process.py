"""The way out of a process: an error becomes one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence

from sv_eval.config.explaining import explain_composition
from sv_eval.errors import EXIT_INCOMPLETE, EXIT_PASS, EXIT_USAGE, SvEvalError
from sv_eval.machine.terminal import complain, note

_PATIENCE_S = 2.0
"""For so long a thread that something left running may still end by itself, seconds."""
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


def leave_threads_behind(code: int) -> None:
    """End the process with `code` where a plug-in has left threads running that would keep it for ever.

    Everything is written by then. Threads of executors don't count: they end when Python does. Returns where no
    such thread is left.
    """
    until = time.monotonic() + _PATIENCE_S
    left = [thread for thread in threading.enumerate() if _holds(thread)]
    for thread in left:
        thread.join(max(0.0, until - time.monotonic()))
    left = [thread for thread in left if thread.is_alive()]
    if not left:
        return
    note(
        f"sv_eval: threads that something left running end with the program: {', '.join(one.name for one in left)}"
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _holds(thread: threading.Thread) -> bool:
    """Whether Python would wait for it before it ends."""
    from concurrent.futures.thread import _threads_queues

    return thread is not threading.main_thread() and not thread.daemon and thread not in _threads_queues
