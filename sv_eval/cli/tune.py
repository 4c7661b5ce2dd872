"""`python -m sv_eval.tune KEY=VALUE ...`: look for the setting with the best UAR and p95 by Optuna."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sv_eval.cli.help import help_of
from sv_eval.errors import RunDirectoryError
from sv_eval.machine.terminal import give, relative, say

_HEADER = """\
sv-eval tune looks for a setting with a high UAR and a low p95, where a grid of all combinations would be too large.

  sv-eval tune                                    vad_threshold and chunk_size, bundled model and clips
  sv-eval tune dataset=emodb dataset.root=DIR sweep.holdout=0.3
  sv-eval tune tune=segmentation tune.trials=100 out=DIR
  sv-eval tune out=DIR                            the same directory goes on with its search

Optuna proposes settings and keeps what it learnt in the directory. A setting that a part of the clips shows to be
surely beaten, in UAR and in latency, is given up. The report is that of a sweep; the extra [tune] is needed.
"""
_FOOTER = """\
The directory holds sweep.md, sweep.json, figures/, study.json, study.log and a run directory for each setting.
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 5 interrupted or backend lost.
"""
_OWN = ("run", "report", "out")
STUDY = "study.json"


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints for the choices that the words make."""
    return help_of(words, main_file="tune", header=_HEADER, footer=_FOOTER, own=_OWN)


def run(arguments: Sequence[str]) -> None:
    """Search, report, say the headline."""
    from sv_eval.config.building import build_backend
    from sv_eval.config.composing import composed
    from sv_eval.data.corpus.config import dataset_config_from
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.report.run_directory import read_json
    from sv_eval.scoring.config import scoring_config_from
    from sv_eval.scoring.labels.config import labels_config_from
    from sv_eval.studies.sweep.config import sweep_config_from
    from sv_eval.studies.sweep.report import RESULT, write_report
    from sv_eval.studies.tune.config import tune_config_from
    from sv_eval.studies.tune.proposals import Proposals
    from sv_eval.studies.tune.search import Search

    settings = composed("tune", arguments)
    tune, options = tune_config_from(settings["tune"]), sweep_config_from(settings["sweep"])
    scoring = scoring_config_from(settings["scoring"])
    language = report_config_from(settings["report"]).language
    name = dataset_config_from(settings["dataset"]).name
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in a run directory's name
    directory = Path(settings["out"] or f"runs/tune/{name}/{now}")
    keep_to_study(directory, settings)
    search = Search(
        directory=directory,
        compose=lambda more: composed("tune", [*arguments, *more]),
        build=build_backend,
        tune=tune,
        options=options,
        scoring=scoring,
        labels=labels_config_from(settings["labels"]),
        proposals=Proposals(tune, directory),
    )
    search.run()
    result = write_report(
        directory,
        search.settings,
        options,
        scoring,
        language,
        command=shlex.join(["python", "-m", "sv_eval.tune", *arguments]),
        tuning=search.told(),
    )
    if result is not None:
        say(result.headline)
        say(f"tuning: {relative(result.path)}")
        give(result=read_json(directory / RESULT), directory=str(directory))


def keep_to_study(directory: Path, settings: Mapping[str, Any]) -> None:
    """Write what makes the search that search, or raise RunDirectoryError, with the differences, for another."""
    from sv_eval.report.identity import differences, measured_settings
    from sv_eval.report.run_directory import read_json, write_json
    from sv_eval.studies.sweep.plan import plain_settings

    # How many are proposed may grow; where the search is kept does not change it.
    tune = {key: value for key, value in settings["tune"].items() if key not in ("trials", "storage")}
    ranked = {key: settings["sweep"][key] for key in ("holdout", "seed", "timed_requests", "baseline")}
    now = plain_settings({**measured_settings(settings), "tune": tune, "sweep": ranked})
    path = directory / STUDY
    if not path.is_file():
        write_json(path, {"schema_version": 1, "settings": now})
        return
    changes = [f"{key}: {old!r} -> {new!r}" for key, old, new in differences(read_json(path).get("settings"), now)]
    if changes:
        raise RunDirectoryError(
            f"{directory} holds another search, which this can't go on with: {'; '.join(changes)}. Use the old "
            "settings, or another out=DIR"
        )
