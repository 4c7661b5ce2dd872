"""Files of ours that were damaged: a command says so in one line and ends with exit code 2, or works all the same.

    python tests/endurance/mutate_files.py --runs 20000 --seed 0

A file that sv_eval wrote, or that others write for it, is changed: bytes, keys left out, other types, deep
nesting, half a surrogate pair, numbers that are none. What reads it is called in two processes, each of which
takes hundreds of files; one that ends names the file that it was at, and another goes on behind it. Looked for is
an error that no code understands, a command that takes too long, more or less than one line about it, a process
that ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from mutations import mutated

from sv_eval.cli.main import main as command
from sv_eval.errors import SvEvalError
from sv_eval.frame import read_frame
from sv_eval.record_file.seal import Seal
from sv_eval.report.codec import from_json
from sv_eval.report.comparison import Comparison
from sv_eval.report.run_directory import read_json
from sv_eval.report.sweep import SweepFile

_LIMIT_S = 30
_BATCH, _PROCESSES = 250, 2
_TYPES = {"sweep.json": SweepFile, "compare.json": Comparison}
_SCORED = ("scoring.resamples=100", "run.telemetry_s=null", "load.warmup_clips=0")
_RUN = ("dataset.simulated.n_clips=24", "backend=fake", "dataset=simulated", *_SCORED)
_FOLDS = ("all", "emobox_fold1", "emobox_fold2")
_SWEPT = (*_RUN, "backend.seed=1,2", "hydra.sweep.dir=sweep")
_SWITCHES = ("itn", "language", "precision")
_SUITE = ("suite", "suite=demo", "limit=3", "out=suite", *(f"~suite.switches.{name}" for name in _SWITCHES))
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
    """`json`, `lines`, `yaml`, `text` or `bytes`."""
    calls: Sequence[tuple[str, ...]]
    """Commands that read it, each with its words."""
    weight: int = 20
    """How often its turn comes, against others; those whose commands take a second come less often."""


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
    emobox = [("corpus", "show", "emobox", "name=iemocap", "root=emobox", f"split={split}") for split in _FOLDS]
    data = "emobox/data/iemocap/"
    swept = ("run", "-m", *_SWEPT)
    opened = ("open", "model")
    return [
        Subject(name="run/records.jsonl", form="lines", calls=[score, *finished, resume]),
        Subject(name="run/environment.json", form="json", calls=[*finished, resume, compared]),
        Subject(name="run/metrics.json", form="json", calls=[gate, compared, *tables]),
        Subject(name="baseline.json", form="json", calls=[held, ("baseline", "show", "baseline.json")]),
        Subject(name="card/dataset.yaml", form="yaml", calls=[card]),
        Subject(name="map.yaml", form="yaml", calls=[mapped, ("labels", "show", "map.yaml")]),
        Subject(name="card/manifest.csv", form="text", calls=[card, manifest]),
        Subject(name=data + "iemocap.jsonl", form="lines", calls=emobox),
        Subject(name=data + "fold_1/iemocap_test_fold_1.jsonl", form="lines", calls=emobox),
        Subject(name=data + "fold_2/iemocap_test_fold_2.json", form="json", calls=emobox),
        Subject(name=data + "data.seg.wrd.stm", form="text", calls=emobox),
        Subject(name="sweep/plan.json", form="json", calls=[swept], weight=2),
        Subject(name="sweep/1/metrics.json", form="json", calls=[swept], weight=2),
        Subject(name="sweep/sweep.json", form="json", calls=[("typed", "sweep/sweep.json")]),
        Subject(name="compared/compare.json", form="json", calls=[("typed", "compared/compare.json")]),
        Subject(name="suite/demo/base/metrics.json", form="json", calls=[_SUITE], weight=1),
        Subject(name="model/config.yaml", form="yaml", calls=[opened]),
        Subject(name="model/am.mvn", form="text", calls=[opened]),
        Subject(name="model/chn_jpn_yue_eng_ko_spectok.bpe.model", form="bytes", calls=[opened]),
        Subject(name="model/model.onnx", form="bytes", calls=[opened]),
    ]


def prepare() -> None:
    """The valid files, in the working directory."""
    for name, load in _MADE.items():
        made(["run", *load, f"hydra.run.dir={name}"])
    made(["baseline", "save", "good", "baseline.json"])
    shutil.copytree("good", "good2")
    made(["corpus", "sample", "demo", "per_emotion=2", "out=card"])
    Path("map.yaml").write_text(
        "name: mine\nversion: 1\nclasses: {good: [happy, surprised], bad: [sad, angry]}\nmerges: {calm: neutral}\n",
        encoding="utf-8",
    )
    from sv_eval.data.corpus.card import find_card

    card = Path(str(find_card("demo").folder))
    for name in ("dataset.yaml", "manifest.csv"):
        shutil.copy(card / name, Path("card") / name)
    made(["run", "-m", *_SWEPT])
    made(["compare", "good", "good2", "scoring.resamples=100", "out=compared"])
    made(_SUITE)
    from sv_eval.backends.sensevoice.model_dir import bundled_model

    shutil.copytree(bundled_model(), "model", ignore=shutil.ignore_patterns("*.pt", "*.md"))
    write_emobox(Path("emobox"))


def made(words: Sequence[str]) -> None:
    """Run a command that must come to its end."""
    code, _, said = quiet(lambda: command(list(words[1:]), command=words[0]))
    if code:
        raise SystemExit(f"{words}: {said}")


def write_emobox(root: Path) -> None:
    """EmoBox's files for two clips of one corpus."""
    names = {
        "iemocap-Ses01F_impro01_M001": "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M001.wav",
        "iemocap-Ses02M_script01_1_F000": "Session2/sentences/wav/Ses02M_script01_1/Ses02M_script01_1_F000.wav",
    }
    rows = {
        key: {"key": key, "dataset": "iemocap", "wav": f"downloads/iemocap/{path}", "emo": "exc", "length": 1.5}
        for key, path in names.items()
    }
    (first, second), folder = names, root / "data" / "iemocap"
    files = {
        "iemocap.jsonl": "".join(json.dumps(row) + "\n" for row in rows.values()),
        "data.seg.wrd.stm": "".join(f"{key} 1 a 0 1 <id={key},lang=en,spk=a,emotion=exc> exc\n" for key in names),
        "fold_1/iemocap_test_fold_1.jsonl": json.dumps(rows[first]) + "\n",
        "fold_2/iemocap_test_fold_2.json": json.dumps({second: rows[second]}),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for path in names.values():
        (root / "downloads" / "iemocap" / path).parent.mkdir(parents=True)
        (root / "downloads" / "iemocap" / path).touch()


def quiet(work: Callable[[], Any]) -> tuple[Any, str, str]:
    """What it gives, and what it said."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        given = work()
    return given, out.getvalue(), err.getvalue()


class TooLong(BaseException):
    """A command that did not come back."""


def _ring(_number: int, _frame: Any) -> None:
    raise TooLong


def asked(words: tuple[str, ...]) -> tuple[int, str]:
    """The exit code of a command, and what it said about errors."""
    name, *rest = words
    if name not in _CALLS:
        code, _, said = quiet(lambda: command(list(rest), command=name))
        return code, said
    try:
        quiet(lambda: _CALLS[name](*rest))
    except SvEvalError as error:
        return error.exit_code, f"sv_eval: {error}"
    return 0, ""


def _opened(model: str) -> None:
    """Open a model directory, and recognise a clip."""
    from sv_eval.backend import Request
    from sv_eval.backends.onnx import OnnxBackend
    from sv_eval.data.audio.decoding import decode
    from sv_eval.data.corpus.card import find_card
    from sv_eval.run.session import Session

    clip = Path(str(find_card("demo").folder)) / "clips" / "en_f1_happy_01.flac"

    async def work() -> None:
        async with Session(OnnxBackend(model=model, threads=1)) as session:
            await session.guard.ask([Request(clip_id="c", waveform=decode(clip))])

    asyncio.run(work())


_CALLS: dict[str, Callable[..., Any]] = {
    "frame": lambda: read_frame("run", "requests"),
    "typed": lambda path: from_json(_TYPES[Path(path).name], read_json(Path(path)), path),  # type: ignore[type-var]
    "open": _opened,
}


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


def take(number: int, seed: int, chosen: Sequence[Subject], keep: Path | None) -> str | None:
    """Damage one file, call what reads it, put it back; what was wrong, if anything."""
    drawn = random.Random(f"{seed}:{number}")
    (subject,) = drawn.choices(chosen, [one.weight for one in chosen])
    for scratch in ("run", "out"):
        shutil.rmtree(scratch, ignore_errors=True)
    Path("out.json").unlink(missing_ok=True)
    base = drawn.choice(list(_MADE))
    shutil.copytree(base, "run", ignore=shutil.ignore_patterns("figures", "report.*"))
    sealed = Path("run/environment.json").read_text(encoding="utf-8") if subject.name.startswith("run/") else None
    whole = Path(subject.name).read_bytes()
    content = mutated(whole, subject.form, drawn, Seal(json.loads(sealed)["run_id"]) if sealed else None)
    Path(subject.name).write_bytes(content)
    drawn_words = drawn.choice(list(subject.calls))
    words = tuple(part for word in drawn_words for part in (_MADE[base] if word == _AS_MADE else (word,)))
    fault = fault_of(subject, words)
    Path(subject.name).write_bytes(whole)
    if fault is None:
        return None
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{number}-{Path(subject.name).name}").write_bytes(content)
    return f"{subject.name}, {words[0]}: {fault}"


def worked(numbers: range, place: Path, given: argparse.Namespace, chosen: Sequence[Subject]) -> None:
    """The work of a child, in a folder of its own: a line for each file, before it is read and after."""
    pipe = os.open(place / "told.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    # Libraries in C say what they think of a file on whatever is there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.chdir(place)
    try:
        for number in numbers:
            os.write(pipe, f"{number}\t".encode())
            fault = take(number, given.seed, chosen, given.keep)
            os.write(pipe, f"{fault or ''}\n".encode("utf-8", "backslashreplace"))
        os._exit(0)
    except BaseException:  # noqa: BLE001 - it must not come to the end of the parent's blocks
        os.write(pipe, traceback.format_exc().replace("\n", " / ").encode("utf-8", "backslashreplace"))
        os._exit(1)


def told(place: Path, numbers: range, status: int) -> tuple[dict[int, str], int]:
    """What a child found, and the number to go on with."""
    lines = (place / "told.txt").read_text(encoding="utf-8").splitlines()
    found = {int(number): fault for number, _, fault in (line.partition("\t") for line in lines)}
    if status and found:
        found[max(found)] = f"the process ended ({os.waitstatus_to_exitcode(status)}) {found[max(found)]}"
    return found, max(found, default=numbers.start - 1) + 1


def main() -> None:
    """Mutate, call, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the file's name")
    parser.add_argument("--keep", type=Path, help="a folder for the files that a fault was found with")
    given = parser.parse_args()
    given.keep = given.keep and given.keep.absolute()
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    chosen = [one for one in subjects() if given.only in one.name]
    found: Counter[str] = Counter()
    examples: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / f"{slot}" for slot in range(_PROCESSES)]
        waiting = [range(n, min(n + _BATCH, given.runs)) for n in range(0, given.runs, _BATCH)][::-1]
        working: dict[int, tuple[range, Path]] = {}
        ready(places)
        begin = time.perf_counter()
        while waiting or working:
            while waiting and places:
                numbers, place = waiting.pop(), places.pop()
                pid = os.fork()
                if pid == 0:
                    worked(numbers, place, given, chosen)
                working[pid] = numbers, place
            pid, status = os.wait()
            numbers, place = working.pop(pid)
            places.append(place)
            faults, go_on = told(place, numbers, status)
            for number, fault in faults.items():
                if fault:
                    found[fault] += 1
                    examples.setdefault(fault, number)
            if status:
                ready([place])
            if go_on < numbers.stop:
                waiting.append(range(go_on, numbers.stop))
        took_s = time.perf_counter() - begin
    print(f"{given.runs} mutated files in {took_s:.0f} s: {sum(found.values())} faults of {len(found)} kinds")
    for key, n in found.most_common():
        print(f"  {n} x (first: {examples[key]}) {key}")
    sys.exit(bool(found))


def ready(places: Sequence[Path]) -> None:
    """Fill the folders anew, in a process of its own: what it loads has threads, and is not to be forked."""
    pid = os.fork()
    if pid == 0:
        shutil.rmtree(places[0], ignore_errors=True)
        places[0].mkdir()
        os.chdir(places[0])
        prepare()
        for place in places[1:]:
            shutil.copytree(places[0], place)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit("the valid files could not be made")


if __name__ == "__main__":
    main()
