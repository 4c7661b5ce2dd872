"""`python -m sv_eval.labels`: the label maps, and a finished run under two of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import give, say

_HELP = """\
usage: sv-eval labels list
       sv-eval labels show MAP
       sv-eval labels diff RUN MAP MAP [scoring.KEY=VALUE ...]

A label map says which classes a run is scored on, and what words finer than the seven emotions count as. `diff`
scores the records of the run directory RUN under two maps, without inference and without changing RUN, and prints
both scores and the clips that change class.

MAP is a name from `list` or a YAML file, with changes behind it after commas:
  four
  sensevoice7,merges.calm=neutral,merges.excited=other

Exit codes: 0 done, 1 error, 2 wrong usage or configuration.
"""
_COMMANDS = ("list", "show", "diff")


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    command, *rest = arguments
    if command == "list" and not rest:
        _list()
    elif command == "show" and len(rest) == 1:
        _show(rest[0])
    elif command == "diff" and len(rest) >= 3:
        _diff(rest[0], rest[1], rest[2], rest[3:])
    elif command in _COMMANDS:
        raise UsageError(f"'{command}' needs other arguments; see sv-eval labels --help")
    else:
        raise UsageError(f"'{command}' is no command; {nearest(command, _COMMANDS)}")


def _list() -> None:
    from sv_eval.scoring.labels.config import labels_config_from, list_label_maps, read_label_map

    found = [(name, labels_config_from(read_label_map(name))) for name in list_label_maps()]
    for name, config in found:
        say(f"{name:12} v{config.version} {config.hash}  {', '.join(config.classes)}")
    give(result=[_told(config) | {"name": name} for name, config in found])


def _show(which: str) -> None:
    from sv_eval.finer_words import FINE
    from sv_eval.scoring.labels.config import EVERY_WORD, labels_config_from

    config = labels_config_from(_chosen(which))
    lines = [f"{config.name} v{config.version} {config.hash}", "", "class: emotions"]
    lines += [f"  {name}: {', '.join(emotions)}" for name, emotions in config.classes.items()]
    lines += [
        "",
        "finer word: what it counts as (what others count it as); *: unless the corpus's card says otherwise",
    ]
    for word, fine in FINE.items():
        target = config.merges.get(word) or config.merges.get(EVERY_WORD)
        alternatives = f" ({', '.join(fine.alternatives)})" if fine.alternatives else ""
        lines.append(f"  {word}: {target or f'{fine.default}*'}{alternatives}")
    say("\n".join(lines))
    give(result=_told(config))


def _told(config: Any) -> dict[str, Any]:
    """A label map, for scripts."""
    return {
        "name": config.name,
        "version": config.version,
        "hash": config.hash,
        "classes": {name: list(emotions) for name, emotions in config.classes.items()},
        "merges": dict(config.merges),
    }


def _diff(run: str, first: str, second: str, overrides: Sequence[str]) -> None:
    from sv_eval.cli.score import merge_overrides
    from sv_eval.record_file.run_records import RunRecords
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import read_environment
    from sv_eval.scoring.config import scoring_config_from
    from sv_eval.scoring.labels.comparing import moved, scores_under
    from sv_eval.scoring.labels.config import labels_config_from

    directory = Path(run)
    environment, records = read_environment(directory), RunRecords.read(directory)
    config = scoring_config_from(merge_overrides(environment.config, overrides)["scoring"])
    maps = [labels_config_from(_chosen(name)) for name in (first, second)]
    both = [scores_under(records, environment, labels, config) for labels in maps]
    moves = moved(records.answers, both[0], both[1])
    say("\n".join(_rows([first, second], both, moves)))
    give(
        result={
            "maps": [_told(labels) for labels in maps],
            "accuracy": [as_json(each.card.headline.headline()) for each in both],
            "moved": [{"label": m.raw, "n": m.n, "before": m.before, "after": m.after} for m in moves],
        }
    )


def _rows(names: Sequence[str], both: Sequence[Any], moves: Sequence[Any]) -> list[str]:
    """The comparison as Markdown."""
    cards = [each.card for each in both]
    rows: list[tuple[str, list[str]]] = [
        ("classes", [", ".join(card.scores.labels) for card in cards]),
        ("not to be said", [", ".join(card.scope.unsupported) or "-" for card in cards]),
        ("clips scored", [str(card.run.n_scored) for card in cards]),
    ]
    rows += [
        (figure, [_share(getattr(card.headline, figure)) for card in cards])
        for figure in ("uar", "accuracy", "macro_f1", "weighted_f1")
    ]
    rows.append(("uar over all classes of the corpus", [_share(_full(card)) for card in cards]))
    lines = [f"| | {names[0]} | {names[1]} |", "|---|---|---|"]
    lines += [f"| {title} | {cells[0]} | {cells[1]} |" for title, cells in rows]
    if not moves:
        return [*lines, "", "No clip changes class."]
    lines += ["", f"| label | clips | {names[0]} | {names[1]} |", "|---|---:|---|---|"]
    lines += [f"| {move.raw} | {move.n} | {move.before} | {move.after} |" for move in moves]
    return [*lines, "", "In brackets: not scored under that map."]


def _full(card: Any) -> Any:
    return card.all_labels.policies[card.config.policy].uar


def _share(interval: Any) -> str:
    if interval.value is None:
        return "-"
    bounds = "" if interval.low is None else f" [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    return f"{100 * interval.value:.1f} %{bounds}"


def _chosen(text: str) -> dict[str, Any]:
    """A map with the changes behind it: `four,merges.calm=neutral`."""
    from sv_eval.scoring.labels.config import read_label_map

    name, *changes = text.split(",")
    data = read_label_map(name)
    for change in changes:
        key, equals, value = change.partition("=")
        group, _, word = key.removeprefix("labels.").partition(".")
        if not equals or group != "merges" or not word:
            raise UsageError(f"'{change}' in '{text}' is not understood; write merges.WORD=EMOTION")
        data["merges"] = {**(data.get("merges") or {}), word: value}
    return data
