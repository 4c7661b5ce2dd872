"""What all commands share: errors become one line and an exit code."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from sv_eval.errors import EXIT_ERROR, EXIT_INCOMPLETE, EXIT_PASS, EXIT_USAGE, SvEvalError, nearest
from sv_eval.places import house

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main_of(arguments: Sequence[str] | None, usage: str, body: Callable[[list[str]], object]) -> int:
    """The exit code of a command with a command line of its own: its help, or `body` with what was given."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or {"-h", "--help"} & set(given):
        print(usage, end="")
        return EXIT_PASS if given else EXIT_USAGE
    # The packages beside this one come before the working directory's; Hydra raises its errors for us to say.
    sys.path.insert(0, str(house()))
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    return run_command(lambda: body(given))


def run_command(command: Callable[[], object], *, let_through: tuple[type[Exception], ...] = ()) -> int:
    """Run a command's body; its exit code comes back, and an error is said on stderr in one line.

    Errors of the types in `let_through` are said and then raised again.

    An error that sv_eval does not understand keeps its traceback: that is a defect, to be reported whole.
    """
    try:
        command()
    except SvEvalError as error:
        _say(error)
        if isinstance(error, let_through):
            raise
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted; what was finished is kept, and the same command goes on from there or begins again")
        return EXIT_INCOMPLETE
    except Exception as error:
        message = explain_composition(error) or _explain_file(error)
        if message is None:
            raise
        _say(message)
        return EXIT_ERROR if isinstance(error, OSError) and error.errno in _FULL else EXIT_USAGE
    return EXIT_PASS


def say(message: object) -> None:
    """Print a command's own output; a reader that has seen enough (`| head`) ends nothing."""
    try:
        print(message, flush=True)
    except BrokenPipeError:
        # The interpreter must not try to flush the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain_composition(error: BaseException) -> str | None:
    """One line for an error of Hydra's or OmegaConf's about the command line; None for any other error."""
    import omegaconf.errors
    from hydra.errors import HydraException, MissingConfigException

    if isinstance(error, MissingConfigException):
        return _explain_missing_option(str(error))
    cause = error.__cause__
    if isinstance(cause, omegaconf.errors.ConfigAttributeError | omegaconf.errors.ConfigKeyError):
        return _explain_unknown_key(cause)
    if isinstance(error, omegaconf.errors.MissingMandatoryValue):
        return f"{error.full_key} is needed; give it as {error.full_key}=..."
    if found := re.search(r"Could not override '([\w/@.-]+)'\. No match in the defaults list", str(error)):
        return f"{found[1]} is no setting or choice of this command; see --help"
    if isinstance(error, HydraException | omegaconf.errors.OmegaConfBaseException) or _is_of_composing(error):
        return " ".join(str(error).split())
    return None


def _is_of_composing(error: BaseException) -> bool:
    """Whether Hydra itself raised it, before any job of ours began; it uses plain ValueErrors here and there."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = {"sv_eval.job", "sv_eval.building"}
    return modules[-1].startswith(("hydra.", "omegaconf.")) and ours.isdisjoint(modules)


def _explain_file(error: BaseException) -> str | None:
    """One line for a file that the system refused; None for any other error."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None


def _explain_missing_option(message: str) -> str:
    """`Could not find 'dataset/emobd'`, with the nearest options there are."""
    from sv_eval.places import conf_dir

    found = re.search(r"[Cc]ould not (?:find|load) '?([\w/@.-]+)'?", message)
    if found is None or "/" not in found[1]:
        return " ".join(message.split())
    group, _, name = found[1].rpartition("/")
    listed = re.search(r"Available options in '.*?':\n(.*?)\nConfig search path", message, re.DOTALL)
    options = (
        [line.strip() for line in listed[1].splitlines()]
        if listed
        else [path.stem for path in (conf_dir() / group).glob("*.yaml")]
    )
    # A file that begins with an underscore is a part of others.
    options = [option for option in options if not option.startswith("_")]
    if not options:
        groups = sorted(path.name for path in conf_dir().iterdir() if path.is_dir() and path.name != "hydra")
        return f"'{group}' is no group of choices; {nearest(group, groups)}"
    return f"{group}={name}: there is no such {group}; {nearest(name, options)}"


def _explain_unknown_key(error: BaseException) -> str:
    key = str(getattr(error, "full_key", None) or getattr(error, "key", "?"))
    parent = getattr(error, "parent_node", None)
    choices = [str(name) for name in parent] if parent is not None else []
    prefix, _, name = key.rpartition(".")
    if not choices and prefix:
        return f"{key} is not a setting; if {prefix} holds a mapping, write '{prefix}={{{name}: ...}}'"
    return f"{key} is not a setting; {nearest(name, choices)}" + (f" (below {prefix})" if prefix else "")


def _say(message: object) -> None:
    print(f"sv_eval: {' '.join(str(message).split())}", file=sys.stderr)


def relative(path: Path) -> str:
    """The path from here where it lies below, else as it is."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
