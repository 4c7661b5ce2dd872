"""In which order the options stand that a chat model is to choose from: decided by the clip, on any machine."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

CYCLIC, FIXED = "cyclic", "fixed"
ORDERS = (CYCLIC, FIXED)
"""`cyclic` begins the options at another place for each clip; `fixed` leaves them."""


def shift_of(clip_id: str, n: int, seed: int = 0) -> int:
    """At which of n options a clip's begin, from 0; over many clips each as often.

    >>> {shift_of(str(number), 3) for number in range(50)}
    {0, 1, 2}
    """
    drawn = hashlib.sha256(f"{seed}\n{clip_id}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(drawn[:8], "big") % n


def order_of(names: Sequence[str], clip_id: str, order: str, seed: int = 0) -> tuple[str, ...]:
    """The options in a clip's order."""
    shift = shift_of(clip_id, len(names), seed) if order == CYCLIC else 0
    return (*names[shift:], *names[:shift])


_ALL_ORDERS_OF = 4


def orders_from(own: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The orders that a choice is offered in to see what the order does, beginning with `own`.

    Of up to four options all; of more those that begin elsewhere, forwards and backwards: each option stands at
    each place equally often, and beside its neighbours on either side.

    >>> len(orders_from("abcd")), len(orders_from("abcdefg"))
    (24, 14)
    """
    names = tuple(own)
    if len(names) <= _ALL_ORDERS_OF:
        return tuple(itertools.permutations(names))
    back = names[::-1]
    return tuple((*way[at:], *way[:at]) for way in (names, back) for at in range(len(names)))


if __name__ == "__main__":
    print(f"sv_eval.option_orders is no command, but for programs: import sv_eval.option_orders\n\n{__doc__}")
