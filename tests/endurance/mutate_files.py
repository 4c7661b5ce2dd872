"""Files of ours that were damaged: a command says so in one line and ends with exit code 2, or works all the same.

    python tests/endurance/mutate_files.py --runs 20000 --seed 0

A file that sv_eval wrote, or that a user writes for it, is changed: bytes, keys left out, other types, deep
nesting, half a surrogate pair, numbers that are none. Commands that read it are called in this process. Looked for
is an error that no code understands, a command that takes too long, more or less than one line about it.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.cli.main import main as command
from sv_eval.errors import SvEvalError
from sv_eval.frame import read_frame
from sv_eval.record_file.seal import Seal

_LIMIT_S = 30
_SCORED = ("scoring.resamples=100", "run.telemetry_s=null", "load.warmup_clips=0")
_RUN = ("dataset.simulated.n_clips=24", "backend=fake", "dataset=simulated", *_SCORED)
_DEEP = "@deep@"
_DEPTH = 20_000
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**70, -(2**70), 1e308, float("nan"), float("inf"), "", "x", "\ud800", "\x00",
    "0.5", "happy", [], {}, [1], {"a": 1}, [[]], [None], {"": None}, _DEEP, "9" * 5000,
)  # fmt: skip


_AS_MADE = "as the run was made"
_MADE = {
    "good": (*_RUN, "load.rounds=2"),
    "streamed": ("backend=onnx", "dataset=demo", "dataset.limit=6", "load=stream", *_SCORED),
    "planned": (*_RUN, "load=poisson", "load.rate=400", "load.rounds=1"),
}
"""Runs that are damaged, and how they were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A file that is mutated, and what reads it."""

    name: str
    """The file, below the working directory."""
    form: str
    """`json`, `lines`, `yaml` or `text`."""
    calls: Sequence[tuple[str, ...]]
    """Commands that read it, each with its words."""


def subjects() -> list[Subject]:
    """Everything that is mutated, with paths relative to the working directory."""
    resume = ("run", _AS_MADE, "hydra.run.dir=run")
    gate = ("gate", "candidate=run", "baseline=good", "gate=quality", "gate.shares=null", "out=out")
    held = ("gate", "candidate=good", "baseline=baseline.json", "gate=quality", "out=out")
    score = ("score", "run", "scoring.resamples=100")
    tables = [("export", "run", "csv", "out=out"), ("baseline", "save", "run", "out.json")]
    finished = [score, gate, *tables, ("frame",)]
    compared = ("compare", "run", "good", "scoring.resamples=100", "out=out")
    mapped = ("score", "good2", "labels=map.yaml", "scoring.resamples=100")
    card = ("corpus", "show", "card", "root=card")
    manifest = ("corpus", "show", "manifest", "manifest.file=card/manifest.csv", "root=card")
    return [
        Subject(name="run/records.jsonl", form="lines", calls=[score, *finished, resume]),
        Subject(name="run/environment.json", form="json", calls=[*finished, resume, compared]),
        Subject(name="run/metrics.json", form="json", calls=[gate, compared, *tables]),
        Subject(name="baseline.json", form="json", calls=[held, ("baseline", "show", "baseline.json")]),
        Subject(name="card/dataset.yaml", form="yaml", calls=[card]),
        Subject(name="map.yaml", form="yaml", calls=[mapped, ("labels", "show", "map.yaml")]),
        Subject(name="card/manifest.csv", form="text", calls=[card, manifest]),
    ]


def prepare() -> None:
    """The valid files, in the working directory."""
    for name, load in _MADE.items():
        quiet(lambda words=load, name=name: command([*words, f"hydra.run.dir={name}"]))  # type: ignore[misc]
    quiet(lambda: command(["save", "good", "baseline.json"], command="baseline"))
    shutil.copytree("good", "good2")
    quiet(lambda: command(["sample", "demo", "per_emotion=2", "out=card"], command="corpus"))
    Path("map.yaml").write_text(
        "name: mine\nversion: 1\nclasses: {good: [happy, surprised], bad: [sad, angry]}\nmerges: {calm: neutral}\n",
        encoding="utf-8",
    )
    from sv_eval.data.corpus.card import find_card

    card = Path(str(find_card("demo").folder))
    for name in ("dataset.yaml", "manifest.csv"):
        shutil.copy(card / name, Path("card") / name)


def quiet(work: Callable[[], Any]) -> tuple[Any, str, str]:
    """What it gives, and what it said."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        given = work()
    return given, out.getvalue(), err.getvalue()


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value."""
    if path:
        yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def changed(data: Any, drawn: random.Random) -> Any:
    """The data with one to three of its values changed, left out, or put elsewhere."""
    data = copy.deepcopy(data)
    for _ in range(drawn.choice((1, 1, 1, 2, 3))):
        ways = list(places(data))
        if not ways:
            return drawn.choice(_ODD)
        *way, last = drawn.choice(ways)
        holder = data
        for key in way:
            holder = holder[key]
        act = drawn.random()
        if act < 0.3:
            del holder[last]
        elif act < 0.8:
            holder[last] = drawn.choice(_ODD)
        elif act < 0.9:
            other = drawn.choice(ways)
            value = data
            for key in other:
                value = value[key] if not isinstance(value, str) else value
            with contextlib.suppress(KeyError, IndexError, TypeError):
                holder[last] = copy.deepcopy(value)
        elif isinstance(holder, dict):
            holder[str(drawn.choice(("x", "", "\ud800", "classes", last)))] = holder.pop(last)
        else:
            holder.insert(0, copy.deepcopy(holder[last]))
    return data if drawn.random() > 0.01 else drawn.choice(_ODD)


def as_text(data: Any) -> str:
    """JSON, with what is to be deep made so."""
    return json.dumps(data).replace(f'"{_DEEP}"', "[" * _DEPTH + "]" * _DEPTH)


def with_bytes_changed(content: bytes, drawn: random.Random) -> bytes:
    """A few bytes put in, taken out, doubled or replaced."""
    held = bytearray(content)
    for _ in range(drawn.choice((1, 1, 2, 5, 20))):
        place, act = drawn.randrange(len(held) + 1), drawn.random()
        if act < 0.3:
            held[place : place + 1] = bytes((drawn.randrange(256),))
        elif act < 0.5:
            held[place:place] = drawn.choice(
                (b"{", b"]", b'"', b"\n", b"\xff", b"\x00", b"\xed\xa0\x80", b"-", b"9")
            )
        elif act < 0.7:
            del held[place : place + drawn.choice((1, 1, 3, 40))]
        elif act < 0.8:
            held[place:place] = held[place : place + drawn.choice((1, 10, 300))]
        elif act < 0.85:
            del held[place:]
        else:
            held[place : place + 4] = drawn.choice((b"null", b"true", b"1e99", b"NaN ", b"\\ud8"))
    return bytes(held)


def mutated(content: bytes, form: str, drawn: random.Random, seal: Seal | None) -> bytes:
    """The file's content, damaged."""
    if form == "text" or drawn.random() < 0.25:
        return with_bytes_changed(content, drawn)
    if form == "json":
        return as_text(changed(json.loads(content), drawn)).encode()
    if form == "yaml":
        import yaml

        text = yaml.safe_dump(changed(yaml.safe_load(content), drawn), allow_unicode=False)
        return text.replace(_DEEP, "[" * 500 + "]" * 500).encode(errors="backslashreplace")
    lines = content.splitlines()
    for place in drawn.sample(range(len(lines)), drawn.choice((1, 1, 3))):
        data = json.loads(lines[place])
        data.pop("seal", None)
        line = as_text(changed(data, drawn)).encode()
        # Sealed anew, so that more than the seal is looked at.
        lines[place] = seal.sealed(line) if seal is not None and line.endswith(b"}") and len(line) > 2 else line
    return b"\n".join(lines) + b"\n"


class TooLong(BaseException):
    """A command that did not come back."""


def _ring(_number: int, _frame: Any) -> None:
    raise TooLong


def asked(words: tuple[str, ...]) -> tuple[int, str]:
    """The exit code of a command, and what it said about errors."""
    name, *rest = words
    if name == "frame":
        try:
            read_frame("run", "requests")
        except SvEvalError as error:
            return error.exit_code, f"sv_eval: {error}"
        return 0, ""
    code, _, said = quiet(lambda: command(list(rest), command=name))
    return code, said


def fault_of(subject: Subject, words: tuple[str, ...]) -> str | None:
    """What was wrong about how a command took a damaged file; None for nothing."""
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(_LIMIT_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code, said = asked(words)
    except TooLong:
        return f"longer than {_LIMIT_S} s"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        frames = [one for one in traceback.extract_tb(error.__traceback__) if "sv_eval" in one.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere of ours"
        return f"{type(error).__name__} at {place}: {str(error)[:90]!r}"
    finally:
        signal.alarm(0)
    lines = [line for line in said.splitlines() if line.startswith("sv_eval: ")]
    if code == 1:
        return f"exit code 1: {lines[:1]}"
    if code == 2 and (len(lines) != 1 or (len(said.splitlines()) != 1 and words[0] != "run")):
        return f"{len(said.splitlines())} lines: {said[:200]!r}"
    if code == 2 and Path(subject.name).name not in said and Path(subject.name).parent.name not in said:
        return f"does not name the file: {said[:200]!r}"
    return None


def main() -> None:
    """Mutate, call, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the file's name")
    parser.add_argument("--keep", type=Path, help="a folder for the files that a fault was found with")
    given = parser.parse_args()
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    found: Counter[str] = Counter()
    examples: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare()
        chosen = [one for one in subjects() if given.only in one.name]
        begin = time.perf_counter()
        for number in range(given.runs):
            drawn = random.Random(f"{given.seed}:{number}")
            subject = drawn.choice(chosen)
            for scratch in ("run", "out"):
                shutil.rmtree(scratch, ignore_errors=True)
            Path("out.json").unlink(missing_ok=True)
            base = drawn.choice(list(_MADE))
            shutil.copytree(base, "run", ignore=shutil.ignore_patterns("figures", "report.*"))
            seal = Seal(json.loads(Path("run/environment.json").read_text(encoding="utf-8"))["run_id"])
            whole = Path(subject.name).read_bytes()
            content = mutated(whole, subject.form, drawn, seal)
            Path(subject.name).write_bytes(content)
            drawn_words = drawn.choice(list(subject.calls))
            words = tuple(part for word in drawn_words for part in (_MADE[base] if word == _AS_MADE else (word,)))
            fault = fault_of(subject, words)
            if not subject.name.startswith("run/"):
                Path(subject.name).write_bytes(whole)
            if fault is not None:
                key = f"{subject.name}, {words[0]}: {fault}"
                found[key] += 1
                examples.setdefault(key, number)
                if given.keep is not None:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    (given.keep / f"{number}-{Path(subject.name).name}").write_bytes(content)
        took_s = time.perf_counter() - begin
        os.chdir("/")
    print(f"{given.runs} mutated files in {took_s:.0f} s: {sum(found.values())} faults of {len(found)} kinds")
    for key, n in found.most_common():
        print(f"  {n} x (first: {examples[key]}) {key}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
