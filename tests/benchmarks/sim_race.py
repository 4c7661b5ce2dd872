"""How often a race claims a difference that isn't there, and finds one: `python tests/benchmarks/sim_race.py
[RACES]`.

Clips whose latencies differ by 0.35 (logarithms), calls by 0.1; every turn of a backend is a few percent faster or
slower as a whole (the turn effect, a standard deviation), and the second turn of a round 2 % slower than the first.
In brackets what the ratio of all calls' medians claims, which takes calls for independent. Last, backends 10 %
apart: a pilot of ten rounds names a number of rounds, and a race of so many is run."""

from __future__ import annotations

import sys

import numpy as np

from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.paired.latency_ratio import latency_ratio
from sv_eval.studies.race.by_round import RoundPair, pair_of

CLIPS = 70
EFFECTS = (0.0, 0.03, 0.10)


def raced(rng: np.random.Generator, rounds: int, effect: float, slower: float = 0.0) -> tuple[RoundPair, bool]:
    """A race, and whether the ratio of all calls' medians would have claimed a difference."""
    of_clip = 0.35 * rng.normal(size=CLIPS)
    calls = of_clip + 0.1 * rng.normal(size=(2, rounds, CLIPS)) + effect * rng.normal(size=(2, rounds, 1))
    calls[1] += np.log1p(slower)
    places = {number: 1 if number % 2 == 0 else -1 for number in range(rounds)}
    for number, place in places.items():
        calls[1 if place > 0 else 0, number] += np.log(1.02)
    medians = np.median(calls, axis=2)
    sides = [dict(enumerate(side.tolist())) for side in medians]
    found = pair_of(sides[0], sides[1], titles=("A", "B"), places=places, figure="p50")
    clip = np.tile(np.arange(CLIPS), rounds)
    samples = [CallSample(latency_ms=np.exp(side.ravel()), clip=clip) for side in calls]
    naive = latency_ratio(*(CallSample.of_values(one.latency_ms) for one in samples), 0.5)
    return found, naive.low is not None and naive.high is not None and not naive.low <= 1 <= naive.high


def main() -> None:
    races = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("turn effect  false claims of 5 rounds  of 10 rounds  10 % slower found, rounds named (median)")
    for effect in EFFECTS:
        cells = []
        for rounds in (5, 10):
            rng = np.random.default_rng(rounds)
            found = [raced(rng, rounds, effect) for _ in range(races)]
            claims = np.mean([pair.verdict != "open" for pair, _ in found])
            naive = np.mean([claimed for _, claimed in found])
            cells.append(f"{claims:.3f} ({naive:.3f})")
        rng, named, right = np.random.default_rng(7), [], 0
        for _ in range(races):
            needed = raced(rng, 10, effect, 0.1)[0].needed or 10_000
            named.append(needed)
            right += raced(rng, needed, effect, 0.1)[0].verdict == "slower"
        print(f"{effect:11.0%}  {cells[0]:24}  {cells[1]:12}  {right / races:.3f}, {int(np.median(named))}")


if __name__ == "__main__":
    main()
