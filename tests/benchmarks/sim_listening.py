"""How surely the listening test finds a deaf model, and how often it accuses one that hears.

Deaf: answers drawn from some shares (Dirichlet) whatever the sound. Hearing: each sound
has an answer of its own, and one is drawn anew in a share of questions; also one that calls every voice neutral
and tells sounds without speech from them.

    python tests/benchmarks/sim_listening.py [--models 2000]
"""

from __future__ import annotations

import argparse

import numpy as np

from sv_eval.backends.chat.listening import SOUNDS, judged

NAMES = np.array(["happy", "sad", "angry", "neutral", "fearful", "disgusted", "surprised", "refused"])
WITHOUT_SPEECH = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=2000)
    n = parser.parse_args().models
    rng = np.random.default_rng(3)

    def heard(first: np.ndarray, second: np.ndarray) -> bool:
        return judged(first.tolist(), second.tolist()).heard

    for concentration in (0.2, 1.0, 5.0):
        believed = 0
        for _ in range(n):
            shares = rng.dirichlet(np.full(len(NAMES), concentration))
            believed += heard(*rng.choice(NAMES, (2, SOUNDS), p=shares))
        print(f"deaf, Dirichlet {concentration}: believed {believed} of {n}")
    for anew in (0.0, 0.1, 0.2, 0.3):
        accused = 0
        for _ in range(n):
            own = rng.choice(NAMES, SOUNDS)
            first, second = (np.where(rng.random(SOUNDS) < anew, rng.choice(NAMES, SOUNDS), own) for _ in range(2))
            accused += not heard(first, second)
        print(f"hears, {anew:.0%} of answers drawn anew: accused {accused} of {n}")
    accused = 0
    for _ in range(n):
        own = np.array(["neutral"] * (SOUNDS - WITHOUT_SPEECH) + rng.choice(["refused", "neutral"], 4).tolist())
        own[-1] = "refused"
        accused += not heard(own, own)
    print(f"calls all voices neutral, declines some sounds without speech: accused {accused} of {n}")


if __name__ == "__main__":
    main()
