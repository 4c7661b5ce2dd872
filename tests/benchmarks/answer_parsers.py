"""What would others have reported? `python tests/benchmarks/answer_parsers.py`.

The same recorded answers, of a chat server that names the right emotion of 60 % of the bundled clips, declines for
12 %, names two for 5 % and answers 40 % in a sentence, read in six ways: those that evaluation harnesses use,
written anew by what they do, and ours. Each way's accuracy over 200 clips; what could be read at all; and how many
refusals became a label.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import sv_eval
from sv_eval.backends.chat.fake_server import Planted, bundled, serving
from sv_eval.backends.chat.protocol import LETTERS, Protocol, protocol_of
from sv_eval.backends.chat.reading import read_answer

Read = Callable[[str, Protocol, tuple[str, ...], random.Random], str | None]


def equal(answer: str, protocol: Protocol, order: tuple[str, ...], draw: random.Random) -> str | None:
    """String equality, after stripping and case."""
    said = answer.strip().strip(".").casefold()
    for place, name in enumerate(order):
        if said in ("abcdefg"[place] if protocol.form == LETTERS else "", protocol.options[name]):
            return name
    return None


def prefix(answer: str, protocol: Protocol, order: tuple[str, ...], draw: random.Random) -> str | None:
    """The option that the answer begins with."""
    said = answer.strip().casefold()
    for place, name in enumerate(order):
        if said.startswith("abcdefg"[place] if protocol.form == LETTERS else protocol.options[name]):
            return name
    return None


def pattern_or_random(answer: str, protocol: Protocol, order: tuple[str, ...], draw: random.Random) -> str | None:
    """A letter or an option by a pattern, else an option drawn at random."""
    if protocol.form == LETTERS and (match := re.search(r"\b([A-G])\b", answer)):
        return order["ABCDEFG".index(match[1])]
    found = [name for name in order if protocol.options[name] in answer.casefold()]
    return found[0] if found else draw.choice(order)


def contains(answer: str, protocol: Protocol, order: tuple[str, ...], draw: random.Random) -> str | None:
    """The first option that occurs anywhere in the answer."""
    found = [name for name in order if protocol.options[name] in answer.casefold()]
    return found[0] if found else equal(answer, protocol, order, draw)


def nearest(answer: str, protocol: Protocol, order: tuple[str, ...], draw: random.Random) -> str | None:
    """The option at the least edit distance."""
    if (exact := equal(answer, protocol, order, draw)) is not None:
        return exact
    return min(order, key=lambda name: _distance(answer.casefold(), protocol.options[name]))


def ours(answer: str, protocol: Protocol, order: tuple[str, ...], draw: random.Random) -> str | None:
    """By the reader of `backend=chat`."""
    return read_answer(answer, protocol, order).emotion


WAYS: dict[str, Read] = {
    "string equality": equal, "prefix": prefix, "contained": contains,
    "pattern, else a random option": pattern_or_random, "nearest by edit distance": nearest, "ours": ours,
}  # fmt: skip


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, row[0] = row[0], place
        for column, against in enumerate(other, 1):
            before, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, before + (letter != against)),
            )
    return row[-1]


def recorded(protocol: str) -> list[tuple[str, str, str]]:
    """Clip, reference and raw answer of a run."""
    planted = Planted(recall=0.6, refuses=0.12, hedges=0.05, prose=0.4)
    with serving(bundled(), planted, protocol) as url, tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "run"
        sv_eval.evaluate(
            backend="chat", dataset="demo", directory=place,
            overrides=[f"backend.url={url}", f"backend.protocol={protocol}", "load=offline"],
        )  # fmt: skip
        lines = (place / "records.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [(one["clip"]["id"], one["clip"]["reference"], one["prediction"]["raw_answer"]) for one in found]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--protocols", nargs="+", default=["word_en", "letters_en", "word_zh"])
    for name in parser.parse_args().protocols:
        protocol, answers = protocol_of(name), recorded(name)
        print(f"{name}: way | accuracy | read | of refusals and double answers, made a label")
        declined = {clip for clip, _, text in answers if read_answer(text, protocol, protocol.order_of(clip)).why}
        for way, read in WAYS.items():
            draw = random.Random(0)
            said = {clip: read(text, protocol, protocol.order_of(clip), draw) for clip, _, text in answers}
            right = sum(said[clip] == reference for clip, reference, _ in answers)
            labelled = sum(said[clip] is not None for clip in declined)
            print(
                f"  {way} | {100 * right / len(answers):.1f} % | "
                f"{100 * sum(one is not None for one in said.values()) / len(answers):.1f} % | "
                f"{labelled} of {len(declined)}"
            )


if __name__ == "__main__":
    main()
