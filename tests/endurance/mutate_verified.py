"""Single bytes changed in what a run left: `sv-eval verify` finds each.

    python tests/endurance/mutate_verified.py --mutations 10000 --seed 0

The files are taken in turn: records.jsonl, metrics.json, and the page, as a file of the run and by itself; of the
page also its data alone, sealed anew as a forger would. Any byte may become any other. Prints how many were found,
and the place and both bytes of each that was not; the exit code is 1 where there are any. Data that was sealed anew
and unpacks to the very same (a few bits of what packs it mean nothing) is no change, and counted apart.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed
from sv_eval.reports.page.document import PAGE, blocks_in
from sv_eval.run.evaluate import evaluate
from sv_eval.studies.verify.verifying import verify

_WORDS = (
    "backend=fake",
    "dataset=simulated",
    "scoring.resamples=100",
    "load.warmup_clips=0",
    "run.telemetry_s=null",
)
_DATA = re.compile(rb'<script type="application/gzip" id="\w+">([^<]*)</script>')
_SEAL_BYTES = len(b"<!-- sha256  -->\n") + 64


def anywhere(content: bytes, chance: random.Random) -> tuple[int, bytes]:
    """Another byte at any place."""
    place = chance.randrange(len(content))
    changed = bytearray(content)
    changed[place] ^= chance.randrange(1, 256)
    return place, bytes(changed)


def in_the_data(content: bytes, chance: random.Random) -> tuple[int, bytes]:
    """Another character in one of the page's blocks of data, and the seal made anew."""
    begin, end = chance.choice([found.span(1) for found in _DATA.finditer(content)])
    place = chance.randrange(begin, end)
    changed = bytearray(content)
    others = [letter for letter in b"ABCDEFGHabcdefgh0123456789+/" if letter != content[place]]
    changed[place] = chance.choice(others)
    whole = bytes(changed[:-_SEAL_BYTES])
    return place, whole + b"<!-- sha256 " + hashlib.sha256(whole).hexdigest().encode() + b" -->\n"


KINDS: dict[str, tuple[str, Callable[[bytes, random.Random], tuple[int, bytes]], bool]] = {
    "records": ("records.jsonl", anywhere, False),
    "metrics": ("metrics.json", anywhere, False),
    "page of the run": (PAGE, anywhere, False),
    "page by itself": (PAGE, anywhere, True),
    "data of the page, sealed anew": (PAGE, in_the_data, True),
}


def main() -> None:
    """Mutate, verify, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clips", type=int, default=24)
    asked = parser.parse_args()
    chance, made, found, same = random.Random(asked.seed), Counter[str](), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        run = Path(folder) / "run"
        evaluate(
            composed("config", [*_WORDS, f"dataset.simulated.n_clips={asked.clips}"]),
            FakeBackend(failure_rate=0.1), run,
        )  # fmt: skip
        originals = {name: (run / name).read_bytes() for name, _, _ in KINDS.values()}
        for number in range(asked.mutations):
            kind = list(KINDS)[number % len(KINDS)]
            name, change, alone = KINDS[kind]
            place, changed = change(originals[name], chance)
            (run / name).write_bytes(changed)
            made[kind] += 1
            if verify(run / name if alone else run).trouble is not None:
                found[kind] += 1
            elif change is in_the_data and blocks_in(changed, "")[0] == blocks_in(originals[name], "")[0]:
                made[kind] -= 1
                same += 1
            else:
                print(f"not found: {kind}, byte {place}: {originals[name][place]} -> {changed[place]}")
            (run / name).write_bytes(originals[name])
    print(", ".join(f"{kind}: {found[kind]} of {n}" for kind, n in made.items()), f"; {same} meant nothing")
    sys.exit(found != made)


if __name__ == "__main__":
    main()
