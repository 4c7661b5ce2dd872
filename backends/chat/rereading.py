"""A run's recorded answers read anew, by another version of the reader, without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sv_eval.backends.chat.protocol import Protocol
from sv_eval.backends.chat.reading import REFUSED, UNPARSED
from sv_eval.backends.chat.votes import read_all
from sv_eval.config.structure import structure
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import RunDirectoryError
from sv_eval.option_orders import orders_from
from sv_eval.records import Outcome, Record


def protocol_in(card: Mapping[str, Any], where: str) -> Protocol:
    """The protocol that a run was made under, from its backend's card; RunDirectoryError without one."""
    told = card.get("protocol")
    if not isinstance(told, Mapping) or "option_order" not in told:
        raise RunDirectoryError(f"{where}: no run of backend=chat: it knows of no protocol")
    known = {item.name for item in fields(Protocol)}
    # Plain data may lose the order of an object's keys.
    options = {name: told["options"][name] for name in told["option_order"]}
    protocol = structure(
        Protocol, {**{key: value for key, value in told.items() if key in known}, "options": options}, where,
        RunDirectoryError,
    )  # fmt: skip
    if protocol.hash != told.get("hash"):
        raise RunDirectoryError(
            f"{where}: its protocol is not the one that it was made under: hash {protocol.hash}"
        )
    return protocol


def read_again(record: Record, protocol: Protocol, *, order_seed: int = 0, order: int = 0) -> Record:
    """The record as the answer in it is read today; the very same one where it holds none.

    order: which of the clip's orders the options stood in. What the wire alone said, that the model declined,
    stays.
    """
    prediction = record.prediction
    if prediction is None or prediction.raw_answer is None:
        return record
    own = protocol.order_of(record.clip.id, order_seed)
    found = read_all(_texts(prediction.raw_answer), protocol, orders_from(own)[order] if order else own)
    why = found.why
    if why == UNPARSED and prediction.unread == REFUSED:
        why = REFUSED
    votes = found.scores is not None
    scores = found.scores if votes else prediction.scores
    confidence = found.confidence if votes else None if scores is None else scores.get(found.emotion or "")
    told = {name: value for name, value in (scores or {}).items() if name in EMOTIONS}
    forced = max(told, key=lambda name: told[name]) if told else None
    read = replace(
        prediction,
        label=found.emotion,
        raw_label=found.emotion,
        forced=forced or (found.emotion if found.emotion in EMOTIONS else None),
        unread=why,
        scores=scores,
        confidence=confidence,
        outside=found.outside if votes else prediction.outside,
    )
    return replace(record, prediction=read, outcome=Outcome(read.outcome))


def differences_between(one: Protocol, other: Protocol) -> list[tuple[str, Any, Any]]:
    """The fields at which two protocols differ, with both values.

    >>> from sv_eval.backends.chat.protocol import protocol_of
    >>> [key for key, _, _ in differences_between(protocol_of("word_en"), protocol_of("json_en"))]
    ['name', 'form', 'user', 'words', 'system', 'max_tokens']
    """
    before, after = asdict(one), asdict(other)
    # The order of the options tells, too.
    before["options"], after["options"] = list(one.options.items()), list(other.options.items())
    return [(key, before[key], after[key]) for key in before if before[key] != after[key]]


def _texts(raw: str) -> Sequence[str]:
    """The answers in a record: one, or the list of several."""
    if raw.startswith("["):
        try:
            found = json.loads(raw)
        except ValueError:
            return [raw]
        if len(found) > 1 and all(isinstance(one, str) for one in found):
            return list(found)
    return [raw]
