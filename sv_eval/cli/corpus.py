"""`python -m sv_eval.corpus`: the corpora that are known, and what can be done with one before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sv_eval.cli.help import help_of
from sv_eval.errors import EXIT_GATE_FAILED, EXIT_PASS, CorpusError, RunInterrupted
from sv_eval.machine.terminal import give, note, relative, say

_HEADER = """\
sv-eval corpus knows corpora, and looks into them before they are run.

  sv-eval corpus list                                       the corpora that have a card
  sv-eval corpus show NAME                                  what a card says
  sv-eval corpus show NAME root=DIR                         and what lies there, counted without opening any audio
  sv-eval corpus check NAME root=DIR                        integrity audit: audit.md, audit.json
  sv-eval corpus sample NAME root=DIR out=DIR2              a few clips of each emotion, to listen to
  sv-eval corpus manifest NAME root=DIR                     a table of its clips for dataset=manifest
  sv-eval corpus validate FILE ...                          cards and tables of clips, read as a run reads them

NAME is one of the choices below, or a folder with a dataset.yaml. Settings of the corpus need no `dataset.` in
front: root=DIR, split=test, limit=100, 'labels={grumpy: angry}', manifest.file=FILE.

  check NAME check.silence_dbfs=-50 check.allow=[silent] out=DIR report.language=zh
  sample NAME per_emotion=3 seed=0 link=true out=DIR
  manifest NAME file=out.csv croissant=true
"""
_FOOTER = """\
Findings by their code, for check.allow:
  errors       unknown_label, same_id, unreadable, truncated, empty, beyond_limits, wrong_scale, header_lies,
               tells_less, silent, cancelling, duplicate_conflict, duplicate_leak, speaker_leak,
               label_contradicts_path
  warnings     counts_differ, speaker_counts_differ, duplicate, too_short, too_long, clipped, sound_narrow,
               sound_fast, sound_noisy, sound_background, sound_quiet, sound_padded, sound_offset,
               wrong_extension, odd_format, joined, unfinished, strays, unlisted_speaker, speakers_shared,
               text_leak, label_drift
  information  texts_shared, unlabelled, unread_audio, companions

Exit codes: 0 done and no error was found, 1 error, 2 wrong usage or configuration, 3 check found errors, or
validate did, 5 interrupted.
"""
_OWN = ("check", "sample", "table", "report", "out")


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return help_of(main_file="corpus", header=_HEADER, footer=_FOOTER, own=_OWN)


def run(arguments: Sequence[str]) -> int:
    """Do what was asked; an audit that found errors is the exit code's matter."""
    from sv_eval.data.corpus.command_words import parse

    request = parse(arguments)
    if request.command == "list":
        _list()
        return EXIT_PASS
    if request.command == "validate":
        return EXIT_PASS if _validate(request.files) else EXIT_GATE_FAILED
    settings = _composed(request.overrides)
    if request.command == "show":
        _show(request.corpus or "", settings, located=request.located)
    elif request.command == "sample":
        _sample(settings)
    elif request.command == "manifest":
        _manifest(settings)
    else:
        return EXIT_GATE_FAILED if _check(settings, arguments) else EXIT_PASS
    return EXIT_PASS


def _list() -> None:
    from sv_eval.data.corpus.card import find_card, list_cards
    from sv_eval.data.corpus.command_words import choices_by_card
    from sv_eval.reports.cards import render_list

    cards, choices = [find_card(name) for name in list_cards()], choices_by_card()
    say(render_list(cards, choices))
    give(result=[{"card": card.name, "choices": choices.get(card.name, []), "title": card.title} for card in cards])


def _validate(files: Sequence[str]) -> bool:
    """Whether all are sound; each is told of, so that one mistake hides no other."""
    from sv_eval.data.corpus.validating import validate

    found: list[dict[str, Any]] = []
    for file in files:
        try:
            told = validate(Path(file).expanduser())
        except CorpusError as error:
            note(f"sv_eval: {error}")
            found.append({"file": file, "sound": False, "said": str(error)})
        else:
            say(f"{file}: {told}")
            found.append({"file": file, "sound": True, "said": told})
    give(result=found)
    return all(each["sound"] for each in found)


def _composed(overrides: Sequence[str]) -> dict[str, Any]:
    from sv_eval.config.composing import composed

    return composed("corpus", overrides)


def _show(name: str, settings: dict[str, Any], *, located: bool) -> None:
    from sv_eval.data.corpus.counting import count_entries
    from sv_eval.data.corpus.reading import card_of, dataset_config_from, open_corpus
    from sv_eval.data.corpus.split_tests import restriction_test
    from sv_eval.reports.cards import render_beside, render_card, render_counts

    config = dataset_config_from(settings["dataset"])
    card = card_of(config)
    say(render_card(card, name))
    if located or card.layout.bundled:
        _, found = open_corpus(config)
        say(render_counts(count_entries(card, found, restriction_test(config, card)), card))
        unread = () if found.unread is None else tuple(found.unread.sniffed())
        if beside := render_beside(found.notes, unread):
            say(beside)


def _check(settings: dict[str, Any], arguments: Sequence[str]) -> bool:
    from sv_eval.data.audit.audit import audit_corpus
    from sv_eval.data.audit.settings import check_settings_from
    from sv_eval.data.corpus.reading import dataset_config_from
    from sv_eval.finished.both_forms import write_both
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.report.run_directory import write_json
    from sv_eval.reports.audit import render_audit, summary
    from sv_eval.written_files import refuse_unwritable

    config = dataset_config_from(settings["dataset"])
    thresholds = check_settings_from(settings["check"])
    language = report_config_from(settings["report"]).language
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in a run directory's name
    directory = Path(settings["out"] or f"runs/audit/{config.name}/{now}")
    report = directory / "audit.md"
    refuse_unwritable(report)  # a bad path fails now and not after an hour
    try:
        audit = audit_corpus(config, thresholds)
    except KeyboardInterrupt as error:
        raise RunInterrupted("interrupted; nothing was written, the same command begins again") from error
    result = audit.to_json() | {"overrides": list(arguments)}
    write_json(directory / "audit.json", result)
    write_both(report, render_audit(result, language), language=language)
    say(summary(result, language))
    give(result=result, directory=str(directory))
    say(f"report: {relative(report)}")
    return audit.failed


def _sample(settings: dict[str, Any]) -> None:
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
    from sv_eval.data.corpus.sample import UNLABELLED, Placed, drawn, place_of, sample_settings_from, write_sample
    from sv_eval.reports.cards import render_sample

    wanted = sample_settings_from(settings["sample"])
    out = settings["out"]
    corpus = read_corpus(dataset_config_from(settings["dataset"]))
    clips = drawn(corpus.clips, wanted)
    if out is None:
        say("\n".join(f"{clip.reference or UNLABELLED}\t{place_of(corpus, clip)}" for clip in clips))
        give(result=[{"label": clip.reference, "place": str(place_of(corpus, clip))} for clip in clips])
        return

    def words(rows: Sequence[Placed]) -> str:
        return render_sample(corpus.card, corpus.split, rows)

    index = write_sample(corpus, clips, Path(out).expanduser(), words, link=wanted.link)
    say(f"{len(clips)} clips: {relative(index)}")
    give(result={"clips": len(clips), "index": str(index)})


def _manifest(settings: dict[str, Any]) -> None:
    from sv_eval.data.corpus.croissant import croissant_beside, write_croissant
    from sv_eval.data.corpus.manifest_writer import write_manifest
    from sv_eval.data.corpus.reading import card_of, dataset_config_from

    config = dataset_config_from(settings["dataset"])
    file = Path(settings["table"]["file"] or f"{config.name}.csv").expanduser()
    described = croissant_beside(file) if settings["table"]["croissant"] else None
    say(write_manifest(config, file))
    if described is None:
        give(result={"file": str(file)})
        return
    write_croissant(card_of(config), file, described)
    say(f"described: {relative(described)}")
    give(result={"file": str(file), "croissant": str(described)})
