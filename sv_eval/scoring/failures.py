"""What went wrong in a run, and what became of it: clips that got no answer, and those that got one later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sv_eval.record_file.table import RecordTable
from sv_eval.report.report import ErrorKind, FailureKind, FirstClip


def failures_of(answers: RecordTable) -> tuple[FailureKind, ...]:
    """The kinds of failure, most frequent first."""
    counts = Counter(kind for kind, _ in answers.failures.values())
    first: dict[str, FirstClip] = {}
    for place, (kind, message) in answers.failures.items():
        first.setdefault(kind, FirstClip(clip=answers.clip_ids[place], message=message))
    return tuple(
        FailureKind(kind=kind, count=count, example=first[kind])
        for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def errors_of(requests: RecordTable) -> tuple[ErrorKind, ...]:
    """Every kind of error, most attempts first."""
    attempts, failed = Counter[str](), Counter[str]()
    recovered: dict[str, set[int]] = {}
    first: dict[str, FirstClip] = {}
    for position, kind, message, final in _errors(requests):
        first.setdefault(kind, FirstClip(clip=requests.clip_ids[position], message=message))
        attempts[kind] += 1
        failed[kind] += final
        met = recovered.setdefault(kind, set())
        if position not in requests.failures:
            met.add(position)
    found = (
        ErrorKind(
            kind=kind, failed=failed[kind], recovered=len(recovered[kind]), attempts=count, example=first[kind]
        )
        for kind, count in attempts.items()
    )
    return tuple(sorted(found, key=lambda entry: (-entry.attempts, entry.kind)))


def _errors(requests: RecordTable) -> Iterator[tuple[int, str, str, bool]]:
    """Position, kind, message and whether it was the last word, by clip and then by attempt."""
    for position in sorted({*requests.failures, *requests.troubles}):
        for kind, message in requests.troubles.get(position, ()):
            yield position, kind, message, False
        if position in requests.failures:
            yield (position, *requests.failures[position], True)
