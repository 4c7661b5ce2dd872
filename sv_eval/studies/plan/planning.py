"""From a question and what is known to how many clips, speakers and calls answer it, and how long that takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest
from sv_eval.finished.reading import FinishedRun
from sv_eval.studies.plan.pilot import calls_for_width, pairs_of_runs, seconds_a_clip, spread_of
from sv_eval.studies.plan.sizes import (
    Spread,
    fewest_clips_each,
    fewest_speakers,
    flips_within,
    power_of_fail,
    power_of_pass,
)

_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_FIGURES = ("uar", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanConfig:
    """The question, and what is assumed where no pilot says it."""

    margin: float | None = None
    """A loss that may be: how many clips show that a change which makes nothing worse keeps it?"""
    drop: float | None = None
    """A loss that must be found."""
    percentile: str | None = None
    """p50, p95 or p99: how many calls bound it to `width`?"""
    width: float = 0.05
    """Half the interval of the percentile, as a share of it."""
    figure: str = "uar"
    """What the margin or the drop is of: uar or accuracy."""
    alpha: float = 0.05
    """The chance of a false alarm."""
    power: float = 0.8
    """How surely the answer is to be given."""
    confidence: float = 0.95
    """Of the percentile's bounds."""
    flips: float | None = None
    """The share of clips that turn right or wrong; from two pilot runs without it."""
    uneven: float | None = None
    """How much speakers' own changes differ, a standard deviation as a share; from two pilot runs without it."""
    clips_each: float | None = None
    """Clips of a speaker; of the pilot without it, else 50."""
    speakers: int | None = None
    """Speakers that can be had; any number without it."""
    seconds_a_clip: float | None = None
    """How long a clip takes; of the pilot without it."""

    def __post_init__(self) -> None:
        if (self.margin is None and self.drop is None) == (self.percentile is None):
            raise ConfigError("say what is asked: margin=0.02 or drop=0.03, or percentile=p95 with width=0.05")
        for name in ("margin", "drop", "flips", "uneven", "width"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1 and not (name == "uneven" and value == 0):
                raise ConfigError(f"{name}={value:g}: a share above 0 and below 1, such as 0.02")
        if not 0 < self.alpha < 0.5 or not 0.5 <= self.power < 1 or not 0.5 < self.confidence < 1:
            raise ConfigError("alpha is above 0 and below 0.5, power and confidence from 0.5 to below 1")
        if self.figure not in _FIGURES:
            raise ConfigError(f"figure={self.figure}: {nearest(self.figure, _FIGURES)}")
        if self.percentile is not None and self.percentile not in _PERCENTILES:
            raise ConfigError(f"percentile={self.percentile}: {nearest(self.percentile, _PERCENTILES)}")
        if self.speakers is not None and self.speakers < 2:
            raise ConfigError(f"speakers={self.speakers}: how speakers differ is seen from 2 on")
        for name in ("clips_each", "seconds_a_clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name}={value:g}: give a number above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one question takes."""

    question: str
    """In words."""
    speakers: int | None
    """How many; None where no number that can be had is enough, or none is asked for."""
    clips: int | None
    """Clips, or calls, in all."""
    power: float | None
    """How surely so many answer it."""
    hours: float | None
    """How long that takes."""
    note: str = ""
    """What else is to be known."""


def plan_config_from(settings: dict[str, Any]) -> PlanConfig:
    """The question, given as plain data; raises ConfigError."""
    return structure(PlanConfig, settings, "plan", ConfigError)


def plan(
    config: PlanConfig, pilot: FinishedRun | None, against: FinishedRun | None
) -> tuple[list[str], list[Need]]:
    """What is known, in lines, and what each question takes. Raises ConfigError for a pilot that can't say it."""
    seconds = config.seconds_a_clip
    if seconds is None and pilot is not None:
        seconds = seconds_a_clip(pilot)
    if config.percentile is not None:
        return _of_percentile(config, pilot, seconds)
    spread, clips_each, known = _known(config, pilot, against)
    found = []
    if config.margin is not None:
        found.append(_sized(config, spread, clips_each, seconds, passes=True))
    if config.drop is not None:
        found.append(_sized(config, spread, clips_each, seconds, passes=False))
    return known, found


def _known(
    config: PlanConfig, pilot: FinishedRun | None, against: FinishedRun | None
) -> tuple[Spread, float, list[str]]:
    """How changes vary, clips of a speaker, and where both come from."""
    if pilot is not None and against is not None:
        spread, speakers, each = spread_of(pairs_of_runs(pilot, against), config.figure)
        source = f"of the pilot runs: {speakers} speakers of {each:.1f} clips"
    elif config.flips is None:
        raise ConfigError(
            "how changes vary is not known: give two pilot runs (sv-eval plan A B margin=0.02), or flips=0.1 (the "
            "share of clips that turn right or wrong) and uneven=0.02 (how much speakers' changes differ)"
        )
    else:
        spread, each, source = Spread(between=0.0, within=0.0), 50.0, "as assumed"
    if config.flips is not None:
        spread = Spread(between=spread.between, within=flips_within(config.flips))
    if config.uneven is not None:
        spread = Spread(between=config.uneven, within=spread.within)
    clips_each = config.clips_each or each
    told = (
        f"changes of {config.figure}: {100 * spread.within:.1f} points within a speaker, "
        f"{100 * spread.between:.1f} between speakers (standard deviations, {source})"
    )
    return spread, clips_each, [told]


def _sized(config: PlanConfig, spread: Spread, clips_each: float, seconds: float | None, *, passes: bool) -> Need:
    if passes:
        question = (
            f"a change that makes nothing worse is shown to lose less than {100 * (config.margin or 0):g} points"
        )
    else:
        question = f"a loss of {100 * (config.drop or 0):g} points is found"

    def power(speakers: int, each: float) -> float:
        error = spread.error(speakers, each)
        if passes:
            return power_of_pass(error, speakers, margin=config.margin or 0, change=0.0, alpha=config.alpha)
        return power_of_fail(error, speakers, drop=config.drop or 0, alpha=config.alpha)

    if config.speakers is None:
        speakers = fewest_speakers(lambda n: power(n, clips_each), config.power)
        each: float | None = clips_each
        note = "" if speakers is not None else "no number of speakers up to a million is enough"
    else:
        speakers, have = config.speakers, config.speakers
        each = fewest_clips_each(lambda m: power(have, m), config.power)
        note = ""
        if each is None:
            wanted = fewest_speakers(lambda n: power(n, 1e9), config.power)
            note = f"no number of clips of {have} speakers is enough: with these differences {wanted} speakers are"
            speakers = None
    if speakers is None or each is None:
        return Need(question=question, speakers=None, clips=None, power=None, hours=None, note=note)
    clips = math.ceil(speakers * each)
    return Need(
        question=question,
        speakers=speakers,
        clips=clips,
        power=power(speakers, each),
        hours=None if seconds is None else clips * seconds / 3600,
    )


def _of_percentile(
    config: PlanConfig, pilot: FinishedRun | None, seconds: float | None
) -> tuple[list[str], list[Need]]:
    if pilot is None or config.percentile is None:
        raise ConfigError("a percentile is planned from a run: sv-eval plan RUN percentile=p95 width=0.05")
    sample = pilot.timing.calls.sample
    calls, worth = calls_for_width(sample, _PERCENTILES[config.percentile], config.width, config.confidence)
    known = [f"the pilot: {sample.n} calls, each worth {worth:.2f} of an independent one"]
    question = (
        f"{config.percentile} is bounded to {100 * config.width:g} % of it on either side, at "
        f"{100 * config.confidence:g} %"
    )
    hours = None if seconds is None else calls * seconds / 3600
    return known, [Need(question=question, speakers=None, clips=calls, power=None, hours=hours)]
