"""Processes that are killed at any moment: no record is lost, doubled or foreign, and no file is half written.

    python tests/endurance/kill_runs.py --kills 1000 --seed 0 [--only NAME]

Runs under every load and over three kinds of backends, sweeps, scoring, gates, comparisons, exports, audits, suites
and baselines are killed with signal 9, then the same command is given again, often to be killed again, until it
comes to its end. Half of the kills come after a random time. The other half come from within, at a random one of
the moments when the command opens, renames or removes a file of its own, which a random time would hardly ever hit.

Each command is forked from one process that has imported everything and has a single thread, so that a kill costs
what the command does and not the start of an interpreter.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from sv_eval.errors import EXIT_USAGE

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
os.environ.setdefault("MPLBACKEND", "agg")
_EVENTS = frozenset(("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"))
_LIMIT_S = 120
_AGAIN = 0.75
"""How likely it is that a command that was killed is killed again when it goes on."""
_PLAIN = ("scoring.resamples=100", "load.warmup_clips=0", "run.telemetry_s=0.05")
_FAKE = ("backend=fake", "backend.latency.p50_ms=1", "backend.failure_rate=0.05", "run.max_failures=0.9",
         "dataset=simulated", "dataset.simulated.n_clips=60", *_PLAIN)  # fmt: skip
_REAL = ("dataset=demo", "dataset.limit=24", *_PLAIN)
_WARM = ("sv_eval", "hydra", "omegaconf", "numpy", "scipy", "sklearn", "pandas", "matplotlib", "aiohttp", "jinja2",
         "soundfile", "av", "soxr", "asyncio", "concurrent", "json", "yaml", "websockets", "psutil")  # fmt: skip
"""Packages of which everything is imported that a command was seen to import."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A command, and what it works on."""

    name: str
    words: tuple[str, ...]
    """The command and its words; a word `@` stands for the folder."""
    codes: tuple[int, ...] = (0,)
    """How it may end when nobody kills it."""
    starts_with: tuple[str, ...] = ()
    """Finished runs that lie in its folder."""
    prepare: Callable[[Path], None] = lambda _: None
    aside: int = 0
    """How many foreign lines it finds, and puts aside."""


def _loads() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "offline", ()
    yield "closed", ("load.concurrency=4",)
    yield "single_stream", ("load.rounds=2",)
    yield "multi_stream", ("load.concurrency=4",)
    yield "stream", ()
    for name, words in (
        ("poisson", ("load.rate=200",)),
        ("constant", ("load.rate=200",)),
        ("ramp", ("load.rate=50", "load.rate_end=400", "load.ramp_s=1")),
        ("trace", ("load.trace_file=trace.txt",)),
    ):
        yield name, (*words, "load.rounds=1", "load.max_late_ms=100000")


def scenarios(url: str) -> list[Scenario]:
    """Everything that is killed."""
    backends = {"fake": _FAKE, "onnx": ("backend=onnx", "backend.threads=1", *_REAL)}
    backends["remote"] = ("backend=remote", f"backend.url={url}", *_REAL)
    found = []
    for load, words in _loads():
        for backend, base in backends.items():
            if load == "stream" and backend == "remote":
                base = ("backend=remote/service_websocket", base[1].replace("http", "ws"), *base[2:])
            if (load, backend) in (("stream", "fake"), ("offline", "remote")):
                continue
            run = ("run", *base, f"load={load}", *words, "hydra.run.dir=@/run")
            found.append(Scenario(name=f"{load} {backend}", words=run, prepare=_trace))
    retried = ("run", *_FAKE, "backend.failure_rate=0.5", "run.retry_failed=true", "hydra.run.dir=@/run")
    swept = ("dataset.simulated.n_clips=12", "backend.seed=1,2,3", "hydra.sweep.dir=@/sweep")
    resumed = ("run", *_FAKE, "run.set_aside=true", "hydra.run.dir=@/run")
    rescored = ("score", "@/run", "set_aside=true", "scoring.resamples=100")
    own = ("baseline", "save", "@/run", "@/out.json")
    suite = ("suite", "suite=demo", "backend=onnx", "backend.threads=1", "limit=14", "out=@/suite")
    table = ("corpus", "manifest", "demo", "file=@/out.csv")
    sample = ("corpus", "sample", "demo", "per_emotion=2", "out=@/sample")
    gated = ("run", *_FAKE, "gate=quality", "gate.baseline=@/other", "hydra.run.dir=@/run")
    judged = ("gate", "candidate=@/run", "baseline=@/other", "gate=quality", "gate.shares=null", "out=@/out")
    compared = ("compare", "@/run", "@/other", "scoring.resamples=100", "out=@/out")
    audited = ("corpus", "check", "demo", "limit=60", "out=@/out")
    one, both, verdicts = ("run",), ("run", "other"), (0, 3, 4)
    return [
        *found,
        Scenario(name="retries", words=retried),
        Scenario(name="gated run", words=gated, codes=verdicts, starts_with=("other",)),
        Scenario(name="sweep", words=("run", "-m", *_FAKE, *swept)),
        Scenario(name="suite", words=suite),
        Scenario(name="audit", words=audited, codes=(0, 3)),
        # These two write over nothing: where the kill came after their end, they say so.
        Scenario(name="manifest", words=table, codes=(0, 2)),
        Scenario(name="sample", words=sample, codes=(0, 2)),
        Scenario(name="score", words=("score", "@/run", "scoring.resamples=100"), starts_with=one),
        Scenario(name="aside, scored", words=rescored, starts_with=one, prepare=_mixed, aside=7),
        Scenario(name="aside, resumed", words=resumed, starts_with=one, prepare=_mixed, aside=7),
        Scenario(name="baseline", words=own, starts_with=one),
        Scenario(name="gate", words=judged, codes=verdicts, starts_with=both),
        Scenario(name="compare", words=compared, starts_with=both),
        Scenario(name="export", words=("export", "@/run", "csv", "out=@/out"), starts_with=one),
    ]


def _trace(folder: Path) -> None:
    Path("trace.txt").write_text("".join(f"{n * 0.005:.3f}\n" for n in range(60)), encoding="ascii")


def _mixed(folder: Path) -> None:
    """Lines of another run among those of this one."""
    path = folder / "run" / "records.jsonl"
    foreign = (folder.parent / "other" / "records.jsonl").read_bytes().splitlines(keepends=True)[:7]
    path.write_bytes(path.read_bytes() + b"".join(foreign))


@dataclass
class Measure:
    """How long a scenario takes when nobody kills it, seconds, and how often it touches files of its own."""

    took_s: float
    events: int


def _child(words: tuple[str, ...], folder: Path, kill_at: int | None) -> None:
    """Run the command in this process, which was forked for it; killed at the file event of that number."""
    root, seen = os.fspath(folder), [0]

    def look(event: str, given: tuple[object, ...]) -> None:
        if event in _EVENTS and isinstance(given[0], str | os.PathLike) and os.fsdecode(given[0]).startswith(root):
            seen[0] += 1
            if seen[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if event == "open" and "w" in str(given[1] or "") and ".partial" not in str(given[0]):
                os.write(3, f"opens {given[0]} in place\n".encode())

    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    # The third is for what is noticed here, whatever becomes of the streams.
    noticed = os.open("noticed.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, file in ((1, log), (2, log), (3, noticed)):
        os.dup2(file, number)
    sys.addaudithook(look)
    from sv_eval.cli.main import main as command

    sys.argv[:] = ["sv-eval"]
    name, *rest = (word.replace("@", root) for word in words)
    try:
        code = command(rest, command=name)
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        import traceback

        traceback.print_exc()
        code = 99
    sys.stderr.flush()
    Path("events.txt").write_text(str(seen[0]), encoding="ascii")
    Path("modules.json").write_text(json.dumps(list(sys.modules)), encoding="utf-8")
    os._exit(code)


def run(words: tuple[str, ...], folder: Path, kill_s: float | None = None, kill_at: int | None = None) -> int:
    """The exit code of the command; negative where it was killed, -99 where it hung."""
    # The thread of jemalloc, which pyarrow brings, knows of forks.
    names = [Path(f"/proc/self/task/{one}/comm").read_text().strip() for one in os.listdir("/proc/self/task")]
    if len([name for name in names if name != "jemalloc_bg_thd"]) > 1:
        raise SystemExit("a process with more than one thread is not to be forked")
    pid = os.fork()
    if pid == 0:
        _child(words, folder, kill_at)
    begin = time.monotonic()
    limit_s = _LIMIT_S if kill_s is None else kill_s
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() - begin > limit_s:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            return os.waitstatus_to_exitcode(status) if kill_s is not None else -99
        time.sleep(0.0005)


def whole_lines(path: Path) -> bytes:
    """What of a records file is whole."""
    held = path.read_bytes() if path.is_file() else b""
    return held[: held.rfind(b"\n") + 1]


def half_written(folder: Path) -> Iterator[str]:
    """Files that are neither whole nor absent."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.name.startswith(".") or path.suffix == ".jsonl":
            continue
        text = path.read_bytes()
        try:
            if path.suffix == ".json":
                json.loads(text)
            elif path.suffix in (".svg", ".xml"):
                ElementTree.fromstring(text)
            elif path.suffix in (".md", ".csv", ".txt", ".yaml"):
                whole = text.endswith(b"\n") or path.name in ("events.txt", "hydra.yaml", "overrides.yaml")
                if not text or not whole:
                    raise ValueError("no end of the line at its end")
        except (ValueError, ElementTree.ParseError) as error:
            yield f"{path.relative_to(folder)} is half written ({error})"


@dataclass
class Life:
    """One folder, from its beginning through kills to a command that came to its end."""

    scenario: Scenario
    folder: Path
    runs: Path
    faults: list[str] = field(default_factory=list)
    kept: dict[Path, bytes] = field(default_factory=dict)

    def begin(self) -> None:
        """What the command finds."""
        self.folder.mkdir()
        for name in self.scenario.starts_with:
            shutil.copytree(self.runs / name, self.folder / name)
        self.keep()
        self.scenario.prepare(self.folder)

    def keep(self) -> None:
        """Note the records that are whole now."""
        self.kept = {path: whole_lines(path) for path in self.folder.rglob("records.jsonl")}

    def look(self, when: str) -> None:
        """Hold what is there against what was there."""
        for path, before in self.kept.items():
            if not whole_lines(path).startswith(before):
                self.fault(f"{when}: records that were whole are gone or changed")
        for what in half_written(self.folder):
            self.fault(f"{when}: {what}")
        if not self.scenario.aside:
            self.keep()

    def fault(self, what: str) -> None:
        """Keep what was wrong."""
        self.faults.append(f"{self.scenario.name}: {what}")

    def end(self, code: int) -> None:
        """Look at what a command left that came to its end."""
        if code not in self.scenario.codes:
            said = Path("log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            self.fault(f"exit code {code}: {said[-1:]}")
            return
        ends = (self.folder / "out.csv", self.folder / "sample" / "index.md")
        if code == EXIT_USAGE and not any(map(Path.exists, ends)):
            self.fault("it does not begin again, and had not come to its end")
        for path in self.folder.rglob("records.jsonl"):
            for fault in faults_of(path):
                self.fault(f"{path.parent.name}: {fault}")
        aside = [line for path in self.folder.rglob("set_aside.jsonl") for line in path.read_bytes().splitlines()]
        if len(aside) != self.scenario.aside:
            self.fault(f"{len(aside)} lines were put aside, and {self.scenario.aside} don't belong")
        if left := [path.name for path in self.folder.rglob(".*.partial")]:
            self.fault(f"left behind: {left}")


def faults_of(path: Path) -> Iterator[str]:
    """What is wrong about a run that came to its end."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    environment = json.loads((path.parent / "environment.json").read_text(encoding="utf-8"))
    seen = Counter((one["clip"]["id"], one.get("round", 0), one.get("session", 0)) for one in lines)
    if max(seen.values()) > 1:
        yield "records are there twice"
    first = {one["clip"]["id"] for one in lines if not one.get("round")}
    if len(first) != environment["dataset"]["n_clips"]:
        yield f"{len(first)} clips of {environment['dataset']['n_clips']}"
    if any(not one["seal"].startswith(environment["run_id"]) for one in lines):
        yield "records of another run"
    yield from (f"no {name}" for name in ("metrics.json", "report.md") if not (path.parent / name).is_file())


def lived(life: Life, measure: Measure, drawn: random.Random) -> tuple[int, Counter[str]]:
    """The kills of one life."""
    life.begin()
    kills, kinds = 0, Counter[str]()
    while True:
        spared = kills > 0 and drawn.random() > _AGAIN
        by_event = drawn.random() < 0.5
        kill_at = drawn.randrange(1, measure.events + 1) if by_event and not spared else None
        kill_s = drawn.uniform(0, measure.took_s) if not by_event and not spared else None
        code = run(life.scenario.words, life.folder, kill_s, kill_at)
        if code != -signal.SIGKILL:
            life.look("at the end")
            life.end(code)
            return kills, kinds
        kills += 1
        kinds["at a file" if by_event else "at a time"] += 1
        life.look(f"after a kill {f'at file event {kill_at}' if by_event else f'at {kill_s:.3f} s'}")


def measured(scenario: Scenario, folder: Path, runs: Path) -> Measure:
    """How long it takes, undisturbed."""
    life = Life(scenario, folder, runs)
    life.begin()
    begin = time.monotonic()
    life.end(run(scenario.words, folder))
    if life.faults:
        raise SystemExit(f"undisturbed: {life.faults}\n{Path('log.txt').read_text(encoding='utf-8')}")
    measure = Measure(time.monotonic() - begin, int(Path("events.txt").read_text(encoding="ascii")))
    shutil.rmtree(folder)
    return measure


def warm() -> None:
    """Import what the last command imported."""
    for name in json.loads(Path("modules.json").read_text(encoding="utf-8")):
        # onnxruntime starts a thread when it is imported.
        if name.partition(".")[0] in _WARM and "onnx" not in name and name not in sys.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a service, for remote backends."""
    words = ("serve.port=0", "serve.grpc_port=null", "backend.threads=1")
    command = [sys.executable, "-P", "-m", "sv_eval.serve", *words]
    with open("service.txt", "w+b") as log, subprocess.Popen(command, stderr=log) as service:
        try:
            while b'"ready"' not in (said := Path("service.txt").read_bytes()) and service.poll() is None:
                time.sleep(0.05)
            heard = next(json.loads(line) for line in said.splitlines() if b'"listening"' in line)
            yield str(heard["http"])
        finally:
            service.terminate()


def main() -> None:
    """Measure, kill, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the scenario's name")
    asked = parser.parse_args()
    kinds, of, faults, total = Counter[str](), Counter[str](), list[str](), 0
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        runs = Path(place) / "runs"
        for name, seed in (("run", 0), ("other", 1)):
            if run(("run", *_FAKE, f"backend.seed={seed}", f"hydra.run.dir=@/{name}"), runs) != 0:
                raise SystemExit(Path("log.txt").read_text(encoding="utf-8"))
        folder = runs / "life"
        with served() as url:
            chosen = [one for one in scenarios(url) if asked.only in one.name]
            for one in chosen:
                measured(one, folder, runs)
                warm()
            measures = {one.name: measured(one, folder, runs) for one in chosen}
            begin, number = time.monotonic(), 0
            while total < asked.kills:
                drawn = random.Random(f"{asked.seed}:{number}")
                scenario = chosen[number % len(chosen)]
                life = Life(scenario, folder, runs)
                kills, found = lived(life, measures[scenario.name], drawn)
                total, kinds, number = total + kills, kinds + found, number + 1
                of[scenario.name] += kills
                faults += [f"life {number - 1}, {fault}" for fault in life.faults]
                shutil.rmtree(folder, ignore_errors=True)
        took_s = time.monotonic() - begin
        noticed = Counter(Path("noticed.txt").read_text(encoding="utf-8").replace(place, "").splitlines())
        os.chdir("/")
    print(f"{total} kills ({dict(kinds)}) of {number} lives in {took_s:.0f} s: {len(faults)} faults")
    print(f"  {dict(of)}")
    for fault in faults[:60]:
        print(f"  {fault}")
    for what, many in noticed.most_common():
        print(f"  {many} x {what}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
