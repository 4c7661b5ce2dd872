"""What sweeps promise: `python tests/benchmarks/sim_sweep.py [RUNS] [alarms|power|optimism]`.

Settings answer clips of speakers who differ: random effects on the logit scale, per speaker and per speaker and
emotion, common to all settings and of each setting alone. Settings agree on half of the clips beyond that. The
truth is the mean over the population of speakers, by Gauss-Hermite quadrature.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from sv_eval.scoring.clusters import Clusters
from sv_eval.studies.sweep.many_to_one import differences_from, standard_errors
from sv_eval.studies.sweep.optimism import optimism
from sv_eval.studies.sweep.units import PairedUnits

LABELS = 4
MIDDLE = 0.8 + np.array([-0.6, -0.2, 0.2, 0.6])
DRAWS = 2000
"""Of the largest statistic; a tenth of what a sweep draws, for the sake of time."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A corpus and the settings that are tried on it."""

    speakers: int
    """How many speakers."""
    settings: int = 42
    """How many settings, the default among them."""
    clips: float = 9.0
    """Of each emotion and speaker, in the middle."""
    unequal: float = 0.0
    """The standard deviation of the logarithm of a speaker's clips; 0 for as many each."""
    common: float = 0.6
    """The standard deviation of a speaker's offset that all settings share; half of it again for each emotion."""
    own: float = 0.3
    """That of a setting's own offset for a speaker, and for a speaker and emotion."""
    differ: float = 0.0
    """The standard deviation of what settings are truly worth, on the logit scale."""
    gain: float = 0.0
    """How much better the second setting is, on the logit scale."""
    lone: bool = False
    """Whether each clip is a unit of its own, of one emotion, because no speaker is known."""

    @property
    def worth(self) -> Floats:
        """What each setting is worth, on the logit scale, in no order."""
        steps = np.linspace(-1, 1, self.settings)
        worth = np.random.default_rng(5).permutation(self.differ * steps / steps.std())
        worth[1] += self.gain
        return worth

    @property
    def truth(self) -> Floats:
        """The UAR of each setting in the population."""
        points, weights = np.polynomial.hermite_e.hermegauss(60)
        spread = np.sqrt(1.25 * self.common**2 + 2 * self.own**2)
        logits = self.worth[:, None, None] + MIDDLE[:, None] + spread * points
        return np.asarray(((1 / (1 + np.exp(-logits))) @ weights).mean(axis=1) / weights.sum())


def drawn(rng: np.random.Generator, scenario: Scenario) -> PairedUnits:
    """What a sweep finds."""
    settings, speakers, own = scenario.settings, scenario.speakers, scenario.own
    ease = rng.normal(0, scenario.common, (speakers, 1)) + rng.normal(0, scenario.common / 2, (speakers, LABELS))
    apart = rng.normal(0, own, (settings, speakers, 1)) + rng.normal(0, own, (settings, speakers, LABELS))
    chance = 1 / (1 + np.exp(-(MIDDLE + ease + apart + scenario.worth[:, None, None])))
    size = np.maximum(1, np.round(scenario.clips * np.exp(rng.normal(0, scenario.unequal, speakers)))).astype(int)
    clips = np.repeat(size[:, None], LABELS, axis=1)
    if scenario.lone:
        clips = np.eye(LABELS, dtype=int)[np.arange(speakers) % LABELS]
    shape = (settings, speakers, LABELS, clips.max())
    luck = np.where(rng.random(shape) < 0.5, rng.random(shape[1:]), rng.random(shape))
    heard = np.arange(shape[-1]) < clips[..., None]
    right = ((luck < chance[..., None]) & heard).sum(axis=-1)
    scored = np.broadcast_to(clips, right.shape)
    counts = np.concatenate([scored, right]).transpose(0, 2, 1).astype(np.float64)
    clusters = Clusters(counts=counts, multiplicity=np.ones(speakers, np.int64), kind="speaker")
    return PairedUnits(counts=clusters, n_clips=int(clips.sum()), n_left_out=0)


def alarms(scenario: Scenario, *, runs: int, seed: int = 0, place: int | None = None) -> dict[str, float]:
    """The share of sweeps in which some setting (or that at `place`) differs with p < 0.05.

    Without adjustment, adjusted after Bonferroni with Student's t, and as a sweep does it.
    """
    rng, found = np.random.default_rng(seed), np.zeros(3)
    for run in range(runs):
        units = drawn(rng, scenario)
        error = standard_errors(units, 0)
        differences = differences_from(units, 0, confidence=0.95, seed=run, draws=DRAWS)
        looked_at = range(1, scenario.settings) if place is None else [place]
        judged = [one for one in looked_at if differences[one].p is not None and error[one] > 0]
        if not judged:
            continue
        largest = max(abs(differences[one].value) / error[one] for one in judged)
        single = 2 * float(stdtr(units.n_units - 1, -largest))
        adjusted = min(differences[one].p or 0.0 for one in judged)
        found += [single < 0.05, single * (scenario.settings - 1) < 0.05, adjusted < 0.05]
    return dict(zip(("unadjusted", "bonferroni", "sweep"), (found / runs).tolist(), strict=True))


def flattery(scenario: Scenario, *, runs: int, seed: int = 0) -> Floats:
    """Rows of each sweep's real optimism and what is said of it.

    How much easier than the population these speakers are for all settings together is taken off the real one: it
    is 0 on average, and much of its spread.
    """
    rng, truth, rows = np.random.default_rng(seed), scenario.truth, []
    for run in range(runs):
        units = drawn(rng, scenario)
        uar = units.uar()
        best = int(uar.argmax())
        real = uar[best] - truth[best] - (uar - truth).mean()
        said = optimism(units, seed=run)
        rows.append((real, np.nan if said is None else said))
    return np.array(rows)


SPEAKERS = (2, 4, 6, 10, 20)
EQUAL = (
    *(Scenario(speakers=n, settings=k) for k in (42, 5) for n in SPEAKERS),
    *(Scenario(speakers=n, own=0.0) for n in SPEAKERS),
    *(Scenario(speakers=n, unequal=0.5) for n in SPEAKERS),
    *(Scenario(speakers=n, unequal=1.0) for n in SPEAKERS),
    Scenario(speakers=120),
    Scenario(speakers=600, lone=True),
)
"""Settings that are all worth the same: many and few, without effects of their own, unequal speakers, many."""


def print_alarms(runs: int) -> None:
    """False alarms, a row a scenario."""
    print("| settings | speakers | own effects | unequal | unadjusted | Bonferroni | sweep |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for one in EQUAL:
        shares = [f"{share:.3f}" for share in alarms(one, runs=runs).values()]
        who = f"{one.speakers} clips" if one.lone else str(one.speakers)
        print(f"| {' | '.join([str(one.settings), who, str(one.own), str(one.unequal), *shares])} |", flush=True)


def print_power(runs: int) -> None:
    """How often a setting that is better is found to be, a row a scenario."""
    print("| settings | speakers | own effects | gain, points | unadjusted | Bonferroni | sweep |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for speakers, own, gain in ((6, 0.3, 1.2), (10, 0.3, 0.7), (10, 0.0, 0.6), (20, 0.3, 0.5), (20, 0.0, 0.4)):
        one = Scenario(speakers=speakers, own=own, gain=gain)
        points = 100 * (one.truth[1] - one.truth[0])
        shares = [f"{share:.3f}" for share in alarms(one, runs=runs, place=1).values()]
        cells = [str(one.settings), str(speakers), str(own), f"{points:.1f}", *shares]
        print(f"| {' | '.join(cells)} |", flush=True)


def print_optimism(runs: int) -> None:
    """Real and estimated optimism in points, with the standard errors of the means, a row a scenario."""
    print("| settings | differ by | speakers | real | said | said / real | one sweep's, standard deviation |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for settings, differ in ((42, 0.0), (42, 0.15), (42, 0.4), (5, 0.0), (5, 0.15)):
        for speakers in SPEAKERS:
            rows = 100 * flattery(Scenario(speakers=speakers, settings=settings, differ=differ), runs=runs)
            (real, said), error = rows.mean(axis=0), rows.std(axis=0) / np.sqrt(runs)
            cells = [str(settings), str(differ), str(speakers), f"{real:.2f} ± {error[0]:.2f}"]
            cells += [f"{said:.2f} ± {error[1]:.2f}", f"{said / real:.2f}", f"{rows[:, 1].std():.2f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


TABLES = {"alarms": print_alarms, "power": print_power, "optimism": print_optimism}


def main() -> None:
    """Print the tables asked for, all by default."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for name in sys.argv[2:] or TABLES:
        TABLES[name](runs)
        print(flush=True)


if __name__ == "__main__":
    main()
