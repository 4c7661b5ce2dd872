"""Whether `sv-eval plan` keeps its promise: pairs of runs of the planned size, judged by the gate's own rule.

    python tests/benchmarks/sim_plan.py --runs 1000

For each set of assumptions it plans, draws so many pairs with just these differences, and counts how often the
margin is shown to be kept, and how often a loss is found. Prints the table of docs/plan.md.
"""

from __future__ import annotations

import argparse

import numpy as np

from sv_eval.report.verdict import Verdict
from sv_eval.scoring.paired.differences import differences_of
from sv_eval.scoring.paired.pairs import Pairs
from sv_eval.studies.gate.rules import Levels, adjusted, margin_rule
from sv_eval.studies.plan.planning import Need, PlanConfig, plan

EMOTIONS = 5


def pairs(rng: np.random.Generator, speakers: int, each: int, *, flips: float, uneven: float, loss: float) -> Pairs:
    """Pairs of so many clips of so many speakers, with these differences."""
    n = speakers * each
    speaker = np.repeat(np.arange(speakers), each)
    change = np.clip(rng.normal(-loss, uneven, speakers), -flips, flips)[speaker]
    drawn = rng.random(n)
    lost, gained = drawn < (flips - change) / 2, drawn > 1 - (flips + change) / 2
    reference = np.arange(n) % EMOTIONS
    right = np.where(lost, True, np.where(gained, False, rng.random(n) < 0.75))
    after_right = np.where(lost, False, np.where(gained, True, right))
    wrong = (reference + 1) % EMOTIONS
    return Pairs(
        labels=tuple("abcde"), policy="wrong", clip_ids=tuple(map(str, range(n))), reference=reference,
        before=np.where(right, reference, wrong), after=np.where(after_right, reference, wrong), speaker=speaker,
        n_common=n, n_asked=n, only_before=0, only_after=0, failed_before=0, failed_after=0, newly_failed=0,
        newly_answered=0,
    )  # fmt: skip


def share(
    need: Need, each: int, runs: int, seed: int, *, verdict: Verdict, loss: float, config: PlanConfig
) -> float:
    """How often the gate's rule ended so."""
    rng = np.random.default_rng(seed)
    speakers, found = need.speakers or 0, 0
    levels = Levels(alpha=config.alpha, power=config.power)
    for _ in range(runs):
        drawn = pairs(rng, speakers, each, flips=config.flips or 0, uneven=config.uneven or 0, loss=loss)
        difference = differences_of(drawn, resamples=400, seed=0)["uar"]
        rule = margin_rule(
            "margin:uar", difference, config.margin or 0.02, levels,
            discordant=None, n=drawn.n, of=drawn.n, changed=True,
        )  # fmt: skip
        found += adjusted([rule], levels)[0].verdict is verdict
    return found / runs


ASSUMED = (
    {"flips": 0.10, "uneven": 0.02, "clips_each": 50},
    {"flips": 0.10, "uneven": 0.02, "clips_each": 20},
    {"flips": 0.05, "uneven": 0.01, "clips_each": 100},
    {"flips": 0.20, "uneven": 0.04, "clips_each": 30},
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print("| turned clips | speakers' differences | question | speakers x clips | power promised | power kept |")
    print("|---:|---:|---|---:|---:|---:|")
    for number, assumed in enumerate(ASSUMED):
        for power in (0.8, 0.9):
            config = PlanConfig(margin=0.02, drop=0.03, power=power, **assumed)
            _, (passing, failing) = plan(config, None, None)
            each = int(assumed["clips_each"])
            for need, verdict, loss, what in (
                (passing, Verdict.PASS, 0.0, "a loss of 2 points ruled out"),
                (failing, Verdict.FAIL, 0.03, "a loss of 3 points found"),
            ):
                kept = share(need, each, asked.runs, asked.seed + number, verdict=verdict, loss=loss, config=config)
                print(
                    f"| {100 * assumed['flips']:g} % | {100 * assumed['uneven']:g} points | {what} | "
                    f"{need.speakers} x {each} | {need.power or 0:.2f} | {kept:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
