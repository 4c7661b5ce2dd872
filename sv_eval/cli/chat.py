"""`python -m sv_eval.chat`: the protocols of chat models, and a run's answers read anew."""

from __future__ import annotations

import difflib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import give, say

if TYPE_CHECKING:
    from sv_eval.backends.chat.protocol import Protocol
    from sv_eval.records import Record

_HELP = """\
usage: sv-eval chat list
       sv-eval chat show PROTOCOL
       sv-eval chat diff PROTOCOL PROTOCOL
       sv-eval chat read RUN out=DIR

A protocol is all that a chat model is asked and told: see docs/chat.md. PROTOCOL is a name from `list`, a YAML
file of your own, or the directory of a run.

`diff` shows how two of them differ. `read` reads the answers that a run recorded by today's reader, without asking
anybody, into a new run directory, scores it, and tells which answers are read otherwise now.

Exit codes: 0 done, 1 error, 2 wrong usage or configuration.
"""
_COMMANDS = ("list", "show", "diff", "read")
_SHOWN = 10
_LONGEST_SHOWN = 120


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    typed = parse(arguments, COMMANDS["chat"])
    command, *names = typed.names or ("",)
    if typed.settings and command != "read":
        raise UsageError(f"{', '.join(typed.overrides)}: {command or 'chat'} has no settings")
    if command == "list" and not names:
        _list()
    elif command == "show" and len(names) == 1:
        _show(names[0])
    elif command == "diff" and len(names) == 2:
        _diff(*names)
    elif command == "read" and len(names) == 1 and "out" in typed.settings:
        _read(Path(names[0]), Path(typed.settings["out"]))
    elif command in _COMMANDS:
        raise UsageError(f"'{command}' needs other arguments; see sv-eval chat --help")
    else:
        raise UsageError(f"'{command}' is no command; {nearest(command, _COMMANDS)}")


def _list() -> None:
    from sv_eval.backends.chat.protocol import protocol_of, shipped_protocols

    found = [protocol_of(name) for name in shipped_protocols()]
    for one in found:
        say(f"{one.name:12} v{one.version} {one.hash}  {one.form}, {one.language}: {', '.join(one.options)}")
    give(result=[{"name": one.name, "version": one.version, "hash": one.hash, "form": one.form} for one in found])


def _show(which: str) -> None:
    import yaml

    protocol = _protocol(which)
    told = _plain(protocol)
    say(f"# hash {protocol.hash}\n{yaml.safe_dump(told, sort_keys=False, allow_unicode=True)}".rstrip())
    give(result={**told, "hash": protocol.hash})


def _diff(one: str, other: str) -> None:
    from sv_eval.backends.chat.rereading import differences_between

    before, after = _protocol(one), _protocol(other)
    found = differences_between(before, after)
    say(f"{before.name} v{before.version} {before.hash}  ->  {after.name} v{after.version} {after.hash}")
    for key, old, new in found:
        lines = [] if old is None else _lines(old), [] if new is None else _lines(new)
        changes = list(difflib.unified_diff(*lines, lineterm="", n=0))[3:]
        say("\n".join([f"{key}:", *(f"  {line}" for line in changes)]))
    if not found:
        say("they ask the same")
    give(result={key: {"before": old, "after": new} for key, old, new in found})


def _read(run: Path, out: Path) -> None:
    from sv_eval.cli.score import merge_overrides
    from sv_eval.finished.headline import headline
    from sv_eval.finished.rescore import rescore
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import read_environment

    environment = read_environment(run)
    if out.exists():
        raise UsageError(f"out={out}: is there already; give the name of a new folder")
    try:
        changed = _read_anew(run, out, environment.backend.card)
        summary = rescore(out, merge_overrides(environment.config, []))
    except BaseException:
        # Half a run would be taken for one that can be gone on with.
        shutil.rmtree(out, ignore_errors=True)
        raise
    say(f"answers that are read otherwise now: {len(changed)} of {summary.report.run.n_clips}")
    for what, n in Counter((one.before, one.after) for one in changed).most_common():
        say(f"  {what[0]} -> {what[1]}: {n}")
    for one in changed[:_SHOWN]:
        text = json.dumps(one.text[:_LONGEST_SHOWN], ensure_ascii=False)
        say(f"  {one.clip}: {one.before} -> {one.after}: {text}")
    say(headline(summary))
    told = [{"clip": one.clip, "before": one.before, "after": one.after} for one in changed]
    give(result=as_json(summary.report), changed=told, directory=str(out))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """An answer that is read otherwise now."""

    clip: str
    before: str
    after: str
    text: str


def _read_anew(run: Path, out: Path, card: Mapping[str, Any]) -> list[_Changed]:
    """Write the run to `out` with its answers read anew, those to its controls too; what changed of its own."""
    from sv_eval.backends.chat.reading import READER_VERSION
    from sv_eval.backends.chat.rereading import protocol_in, read_again
    from sv_eval.record_file.controls import control_directory, control_names, order_in
    from sv_eval.report.run_directory import ENVIRONMENT, read_json, write_json

    protocol = protocol_in(card, str(run / ENVIRONMENT))
    seed = int(card["protocol"].get("order_seed") or 0)
    told = read_json(run / ENVIRONMENT)
    backend = told["backend"]
    backend["details"] = {**backend["details"], "answers read by": f"reader v{READER_VERSION}, from the records"}
    backend["card"]["protocol"]["reader"] = READER_VERSION
    out.mkdir(parents=True)
    write_json(out / ENVIRONMENT, told)
    run_id = told.get("run_id")
    changed = _copied(run, out, lambda record: read_again(record, protocol, order_seed=seed), run_id)
    for name in control_names(run):
        again = partial(read_again, protocol=protocol, order_seed=seed, order=order_in(name))
        _copied(control_directory(run, name), control_directory(out, name), again, run_id)
    return changed


def _copied(run: Path, out: Path, again: Callable[[Record], Record], run_id: str | None) -> list[_Changed]:
    """Every record of one folder in the other, read anew."""
    from sv_eval.record_file.as_json import record_from_json
    from sv_eval.record_file.journal import Journal
    from sv_eval.record_file.json_lines import parse_line
    from sv_eval.record_file.seal import own_lines

    changed = []
    with Journal(out, run_id=run_id) as journal:
        for line in own_lines(run, run_id):
            if not line.strip():
                continue
            record = record_from_json(parse_line(line))
            found = again(record)
            journal.append(found)
            before, after = _said(record), _said(found)
            if before != after:
                text = "" if record.prediction is None else record.prediction.raw_answer or ""
                changed.append(_Changed(clip=record.clip.id, before=before, after=after, text=text))
    return changed


def _said(record: Record) -> str:
    label = None if record.prediction is None else record.prediction.label
    return label or record.outcome.value


def _protocol(which: str) -> Protocol:
    """A protocol by name, file or run directory."""
    from sv_eval.backends.chat.protocol import protocol_of
    from sv_eval.backends.chat.rereading import protocol_in
    from sv_eval.report.run_directory import ENVIRONMENT, read_environment

    if Path(which).is_dir():
        return protocol_in(read_environment(Path(which)).backend.card, f"{which}/{ENVIRONMENT}")
    return protocol_of(which)


def _plain(protocol: Protocol) -> dict[str, Any]:
    return {**asdict(protocol), "options": dict(protocol.options)}


def _lines(value: Any) -> list[str]:
    """A field's value, line by line."""
    if isinstance(value, list):
        return [f"{name}: {word}" for name, word in value]
    return str(value).splitlines()
