"""Controls: questions beyond a run's clips that tell what its figures are worth.

The same again: is the answer the same? The options in every order: does the order decide? The words without the
sound: do the words tell it all? They are asked in the run's own session, after it, and kept under `controls/`, a
journal for each kind; accuracy and latency are of the run alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.backend import NO_ADJUSTMENTS, Adjustments, Capabilities
from sv_eval.config.structure import structure
from sv_eval.data.corpus.source import AudioSource
from sv_eval.errors import ConfigError
from sv_eval.option_orders import orders_from
from sv_eval.record_file.controls import ORDER, REPEAT, WORDS, control_directory
from sv_eval.record_file.journal import Journal
from sv_eval.records import Clip
from sv_eval.run.load import LoadPlan
from sv_eval.run.session import Session

_FEWEST_TIMES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlsConfig:
    """What `conf/controls/*.yaml` holds."""

    repeats: int = 0
    """Clips that are asked about again."""
    times: int = 3
    """How often in all, the run's own answer included."""
    orders: int = 0
    """Clips that are asked about with the options in every order."""
    words: int = 0
    """Clips of which the transcript alone is given."""
    seed: int = 0
    """Which clips."""

    def __post_init__(self) -> None:
        for name in ("repeats", "orders", "words"):
            if getattr(self, name) < 0:
                raise ConfigError(f"controls.{name}={getattr(self, name)}: give a number of clips, 0 for none")
        if self.times < _FEWEST_TIMES:
            raise ConfigError(f"controls.times={self.times}: at least {_FEWEST_TIMES}, the run's own included")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Questions of one kind."""

    name: str
    """What its folder is called."""
    clips: tuple[Clip, ...]
    """What they are about."""
    adjusted: Callable[[Clip], Adjustments]
    """What is asked otherwise than in the run."""


def controls_config_from(settings: Mapping[str, Any]) -> ControlsConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(ControlsConfig, settings, "controls", ConfigError)


def planned(
    config: ControlsConfig, clips: Sequence[Clip], can: Capabilities, options: Sequence[str]
) -> tuple[Control, ...]:
    """The controls of a run over these clips; `options` are what a model chooses from, none where it does not.

    Raises ConfigError for a control that the backend can't be asked for, or that no clip is fit for.
    """
    found = list[Control]()
    labelled = [clip for clip in clips if clip.reference is not None]
    if config.repeats:
        again = chosen(labelled, config.repeats, config.seed)
        found += [_plain(f"{REPEAT}-{number}", again) for number in range(1, config.times)]
    if config.orders:
        if "option_order" not in can.adjusts or not options:
            raise ConfigError("controls.orders: this backend chooses from no options (backend=chat does); set 0")
        turned = chosen(labelled, config.orders, config.seed)
        found += [_ordered(number, turned) for number in range(1, len(orders_from(options)))]
    if config.words:
        if "transcript" not in can.adjusts:
            raise ConfigError(
                "controls.words: this backend can't be given words alone (backend=chat can, if its protocol "
                "has `words`); set 0"
            )
        spoken = chosen([clip for clip in labelled if clip.transcript], config.words, config.seed)
        if not spoken:
            raise ConfigError("controls.words: no clip of this corpus has a transcript; set 0")
        found.append(Control(name=WORDS, clips=spoken, adjusted=_words_of))
    return tuple(found)


def chosen(clips: Sequence[Clip], n: int, seed: int) -> tuple[Clip, ...]:
    """Clips drawn by their ids, as many of each emotion as can be; the same on any machine."""
    of = dict[str | None, list[Clip]]()
    for clip in sorted(clips, key=lambda clip: _drawn(clip.id, seed)):
        of.setdefault(clip.reference, []).append(clip)
    turns = [(turn, _drawn(clip.id, seed), clip) for queue in of.values() for turn, clip in enumerate(queue)]
    return tuple(clip for _, _, clip in sorted(turns, key=lambda one: one[:2])[:n])


async def ask_controls(
    session: Session,
    controls: Sequence[Control],
    source: AudioSource,
    plan: LoadPlan,
    directory: Path,
    *,
    references: Mapping[str, str | None],
    run_id: str | None,
) -> int:
    """Ask what has no answer yet, until the session is told to stop; how many questions are still to ask.

    references: those of the corpus's clips. Answers about more clips than are asked for now, of an earlier start,
    stay. Raises RunDirectoryError for answers that are of none of them.
    """
    left = 0
    for control in controls:
        with Journal(control_directory(directory, control.name), run_id=run_id) as journal:
            journal.refuse_strangers(references)
            remaining = [clip for clip in control.clips if clip.id not in journal.done]
            if remaining and not session.stop.is_set():
                loop = session.loop(source, plan, journal.append)
                loop.adjusted = control.adjusted
                await loop.run(remaining)
            left += sum(clip.id not in journal.done for clip in control.clips)
    return left


def _plain(name: str, clips: tuple[Clip, ...]) -> Control:
    return Control(name=name, clips=clips, adjusted=lambda _: NO_ADJUSTMENTS)


def _ordered(number: int, clips: tuple[Clip, ...]) -> Control:
    asked = Adjustments(option_order=number)
    return Control(name=f"{ORDER}-{number:02}", clips=clips, adjusted=lambda _: asked)


def _words_of(clip: Clip) -> Adjustments:
    return Adjustments(transcript=clip.transcript)


def _drawn(clip_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{clip_id}".encode(errors="surrogatepass")).digest()
