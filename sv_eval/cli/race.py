"""`python -m sv_eval.race A B [C ...]`: backends measured in turns, and then compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sv_eval.machine.terminal import give, note, relative, say

_HELP = """\
usage: sv-eval race BACKEND BACKEND [BACKEND ...] [rounds=5] [pause_s=0] [find=0.1]
                    [dataset=NAME dataset.KEY=VALUE ...] [load=NAME load.KEY=VALUE ...]
                    [labels=MAP] [scoring.KEY=VALUE ...] [run.KEY=VALUE ...]
                    [report.language=en|zh] [out=DIR]

Measures several backend configurations in turns: all are opened and warmed up, then each goes through the corpus,
one after the other, round for round, and who begins changes. What the machine does meanwhile (heat, neighbours)
meets all of them alike, which two runs one after the other can't say. Latency is of all rounds, accuracy of the
first. Who is faster is judged by round, the calls of a turn being no independent witnesses; the rounds that a
difference needs are named. Afterwards the runs are compared, as by python -m sv_eval.compare.

  BACKEND      a choice of backend=, with settings behind it: onnx  onnx,precision=int8  remote,url=http://host:8000
  rounds=5     how often each goes through the corpus
  pause_s=0    seconds of rest before every turn
  find=0.1     the difference, as a share, whose number of rounds is named

  python -m sv_eval.race onnx onnx,threads=1
  python -m sv_eval.race remote,url=http://old:8000 remote,url=http://new:8000 rounds=10 load=closed

All backends are in memory at once. The directory (default runs/races/<dataset>/<time>) holds race.md
and race.json (who is faster, by round), compare.md, compare.json, figures/ and a run directory for each backend.
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 5 interrupted before everybody had a turn, a failure
budget spent, or a backend lost.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.config.building import build_backend
    from sv_eval.config.composing import composed
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
    from sv_eval.errors import ConfigError, RunIncomplete, RunInterrupted
    from sv_eval.finished.rescore import report_config_from, rescore
    from sv_eval.record_file.lines import RECORDS
    from sv_eval.report.run_directory import read_json
    from sv_eval.run.event_loop import finished
    from sv_eval.run.session import run_config_from
    from sv_eval.scoring.config import scoring_config_from
    from sv_eval.scoring.labels.config import labels_config_from
    from sv_eval.studies.compare.writing import write_comparison
    from sv_eval.studies.race.command_line import parse
    from sv_eval.studies.race.rounds import Contestant, race

    asked = parse(arguments)
    configs = [composed("config", [*asked.shared, *side]) for side in asked.sides]
    first = configs[0]
    scoring_config_from(first["scoring"])
    labels = labels_config_from(first["labels"])
    run_config_from(first["run"])
    language = report_config_from(first["report"]).language
    if first["load"].get("rounds") != 1:
        raise ConfigError("load.rounds is what the race decides; give rounds=N")
    corpus = read_corpus(dataset_config_from(first["dataset"], labels.meant))
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in a run directory's name
    directory = Path(asked.out or f"runs/races/{corpus.name}/{now}")
    contestants = [
        Contestant(
            title=title,
            config={**config, "load": {**config["load"], "rounds": asked.rounds}},
            overrides=[*asked.shared, *side, f"load.rounds={asked.rounds}"],
            backend=build_backend(config["backend"]),
            directory=directory / f"{number}-{_folder(title)}",
        )
        for number, (title, side, config) in enumerate(zip(asked.titles, asked.sides, configs, strict=True), 1)
    ]
    ended: RunIncomplete | None = None
    try:
        finished(
            race(
                contestants,
                corpus,
                rounds=asked.rounds,
                pause_s=asked.pause_s,
                say=note,
            )
        )
    except RunInterrupted:
        raise
    except RunIncomplete as error:
        # What was measured is compared all the same, if everybody has something.
        ended = error
        if not all((contestant.directory / RECORDS).is_file() for contestant in contestants):
            raise
    for contestant in contestants:
        rescore(contestant.directory, contestant.config)
    options: dict[str, Any] = {key: first["scoring"][key] for key in ("confidence", "resamples", "seed")}
    sources = [str(contestant.directory) for contestant in contestants]
    command = ["python", "-m", "sv_eval.race", *arguments]
    for line in write_comparison(directory, sources, options, language=language, command=command):
        say(line)
    for line in _by_round(directory, contestants, asked, confidence=options["confidence"], language=language):
        say(line)
    report = relative(directory / "compare.md")
    give(result=read_json(directory / "compare.json"), directory=str(directory))
    if ended is not None:
        raise type(ended)(f"{ended}; partial report: {report}")
    say(f"report: {report}")


def _by_round(
    directory: Path, contestants: Sequence[Any], asked: Any, *, confidence: float, language: str
) -> list[str]:
    """Write race.json and race.md; a line for each two backends comes back."""
    from sv_eval.finished.both_forms import write_both
    from sv_eval.record_file.run_records import RunRecords
    from sv_eval.report.run_directory import write_json
    from sv_eval.reports.race import render_race
    from sv_eval.studies.race.by_round import pairs_of

    sides = [RunRecords.read(one.directory).requests for one in contestants]
    titles = [one.directory.name for one in contestants]
    pairs = pairs_of(sides, titles, confidence=confidence, difference=asked.find)
    result = {"schema_version": 1, "confidence": confidence, "pairs": [pair.to_json() for pair in pairs]}
    write_json(directory / "race.json", result)
    write_both(directory / "race.md", render_race(result, language), language=language)
    lines = []
    for pair in pairs:
        if pair.ratio is not None and pair.low is not None and pair.high is not None:
            needed = "no number of" if pair.needed is None else pair.needed
            lines.append(
                f"{pair.before} -> {pair.after}: {pair.figure} {pair.ratio:.3g} times by {pair.rounds} rounds "
                f"[{pair.low:.3g}, {pair.high:.3g}], {pair.verdict}; {needed} rounds would find "
                f"{pair.difference:.0%}"
            )
    return lines


def _folder(title: str) -> str:
    """A title as a directory's name."""
    return re.sub(r"[^A-Za-z0-9=.,_-]+", "_", title)[:80]
