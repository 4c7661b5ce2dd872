"""What latency is measured on: a run's clean records, and the calls to the backend behind them.

Two samples answer two questions. How fast is the recogniser? Only *clean* records enter: an answer at the first
attempt, measured in one session. A resumed run has several sessions, that is processes, which must not be mixed;
the session with the most clean records counts (of equals the last one), and what was left out is counted. How long
did callers wait? All answers enter, whatever attempts and sessions they took: *waited*.

Clips that were answered in one call have one latency between them, so the call is the measurement: two hundred
clips in batches of eight are twenty-five.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.report.latency import Excluded
from sv_eval.scoring.call_sample import CallSample

_NUMBER_BITS = 40
"""A session makes fewer calls than two to the power of this."""
_ROUNDING_S = 2e-6
"""How far two calls may seem to overlap because the times in `records.jsonl` are rounded, seconds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Calls:
    """The calls that answered some of a run's clips."""

    of_clip: NDArray[np.int64]
    """The position of each clip's call; one entry per clip, in the table's order."""
    asked: NDArray[np.int64]
    """A code of what each call asked about: that of its first clip, the same for repeats."""
    audio_s: NDArray[np.float64]
    """Seconds of audio in each call, as far as they are known."""
    session: NDArray[np.int64]
    """The start of the run that made each call."""
    latency_ms: NDArray[np.float64]
    """How long each call took, milliseconds."""
    sent_s: NDArray[np.float64]
    """When each call was made, seconds; NaN where the record does not say."""
    batched: bool
    """Whether some call answered more than one clip."""

    @property
    def n(self) -> int:
        """The number of calls."""
        return len(self.latency_ms)

    @property
    def timed(self) -> bool:
        """Whether it is known when each call was made."""
        return not np.isnan(self.sent_s).any()

    @property
    def busy_s(self) -> float:
        """For how long at least one call was in flight, seconds; NaN unless `timed`."""
        if not self.timed:
            return float("nan")
        order = np.argsort(self.sent_s, kind="stable")
        start = self.sent_s[order]
        end = np.maximum.accumulate(start + self.latency_ms[order] / 1000)
        start[1:] = np.maximum(start[1:], end[:-1])
        return float(np.maximum(end - start, 0.0).sum())

    @property
    def overlapping(self) -> bool:
        """Whether several calls were in flight at once; False where it is not known."""
        return self.timed and float(self.latency_ms.sum()) / 1000 - self.busy_s > _ROUNDING_S * self.n

    @cached_property
    def sample(self) -> CallSample:
        """All calls, in order of sending where that is known."""
        return self._sample(np.arange(self.n), None)

    def holding(self, clips: NDArray[np.bool_]) -> CallSample:
        """The calls that hold one of `clips`, once each; one entry per clip of the table's."""
        return self._sample(np.unique(self.of_clip[clips]), self.sample)

    def _sample(self, places: NDArray[np.int64], whole: CallSample | None) -> CallSample:
        if self.timed:
            places = places[np.lexsort((self.sent_s[places], self.session[places]))]
        return CallSample(
            latency_ms=self.latency_ms[places],
            clip=self.asked[places],
            audio_s=self.audio_s[places],
            in_order=self.timed,
            whole=whole,
        )


def calls_of(table: RecordTable, which: NDArray[np.bool_]) -> Calls:
    """The calls that answered the clips `which`.

    Records from before calls were numbered count as a call each; those of a batch, as one call where batch
    size and latency are the same.
    """
    session = table.session[which].astype(np.int64)
    number, latency = table.call[which], table.latency_ms[which]
    size = table.batch_size[which]
    unnumbered = number < 0
    if unnumbered.any():
        _, alike = np.unique(latency, return_inverse=True)
        own = len(number) + np.arange(len(number))
        number = np.where(unnumbered, -1 - np.where(size > 1, alike, own), number)
    # Calls are numbered within their session; what has no number has one within the table.
    _, first, of_clip = np.unique(
        np.where(number < 0, number, number + (session << _NUMBER_BITS)), return_index=True, return_inverse=True
    )
    longest, audio_s = np.zeros(len(first)), np.zeros(len(first))
    np.maximum.at(longest, of_clip, latency)
    np.add.at(audio_s, of_clip, np.nan_to_num(table.audio_s[which]))
    return Calls(
        of_clip=of_clip.astype(np.int64),
        asked=_clip_codes(table)[which][first],
        audio_s=audio_s,
        session=session[first],
        latency_ms=longest,
        sent_s=table.sent_s[which][first],
        batched=bool((size > 1).any()),
    )


def _clip_codes(table: RecordTable) -> NDArray[np.int64]:
    """A number for each record, the same for those of one clip."""
    if not (table.round > 0).any():
        return np.arange(len(table))
    codes = {clip_id: code for code, clip_id in enumerate(dict.fromkeys(table.clip_ids))}
    return np.array([codes[clip_id] for clip_id in table.clip_ids], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timing:
    """The clean records of a run and their calls; settled once, for everything that is about time."""

    requests: RecordTable
    """The records of all rounds."""
    clean: NDArray[np.bool_]
    """Which of them enter latency."""
    session: int | None
    """The session that they are from; None without clean records."""
    excluded: Excluded
    """How many do not enter, and why."""
    calls: Calls
    """The calls that answered the clean records."""
    waited: CallSample
    """Every call that was answered, at whichever attempt and in whichever session: what callers waited."""

    @property
    def n(self) -> int:
        """Clean records."""
        return int(self.clean.sum())

    @property
    def reference(self) -> NDArray[np.int8]:
        """The reference of each clean record."""
        return self.requests.reference[self.clean]

    @property
    def audio_s(self) -> NDArray[np.float64]:
        """The length of each clean record's audio, seconds; NaN where it is not known."""
        return self.requests.audio_s[self.clean]

    @property
    def busy_s(self) -> NDArray[np.float64]:
        """Seconds that each clean record kept the backend busy, batches shared out evenly."""
        return self.requests.latency_ms[self.clean] / self.requests.batch_size[self.clean] / 1000

    def of_records(self, which: NDArray[np.bool_], values: NDArray[np.float64] | None = None) -> CallSample:
        """A value of each of these records, by default its latency, one by one whatever calls they shared."""
        table = self.requests
        places = np.flatnonzero(which)
        sent_s = table.sent_s[places]
        in_order = not np.isnan(sent_s).any()
        if in_order:
            places = places[np.lexsort((sent_s, table.session[places]))]
        return CallSample(
            latency_ms=(table.latency_ms if values is None else values)[places],
            clip=_clip_codes(table)[places],
            audio_s=table.audio_s[places],
            in_order=in_order,
        )

    def of_calls(self, which: NDArray[np.bool_], values: NDArray[np.float64]) -> CallSample:
        """A value of each call that holds some of these records: the largest of theirs, which a call waits for."""
        calls = calls_of(self.requests, which)
        largest = np.full(calls.n, -np.inf)
        np.maximum.at(largest, calls.of_clip, values[which])
        return replace(calls, latency_ms=largest).sample

    @property
    def rtf(self) -> float | None:
        """The real-time factor: seconds in which at least one call was in flight, per second of audio.

        That is the union of the calls' intervals, so that neither batches nor overlapping calls count twice and
        idle moments count not at all. Records that do not say when their call was made count
        `latency / batch_size` each, which is right only where no calls overlapped. None without clean records.
        """
        heard = np.isfinite(self.audio_s)
        audio = float(self.audio_s[heard].sum())
        if not audio > 0:
            return None
        calls = calls_of(self.requests, self.clean & np.isfinite(self.requests.audio_s))
        return (calls.busy_s if calls.timed else float(self.busy_s[heard].sum())) / audio


def timing_of(requests: RecordTable) -> Timing:
    """The clean records of a run, given those of all rounds."""
    failed = requests.failed
    retried = ~failed & (requests.attempts != 1)
    unmeasured = ~failed & ~retried & np.isnan(requests.latency_ms)
    clean = ~(failed | retried | unmeasured)
    session: int | None = None
    resumed = 0
    if clean.any():
        names, counts = np.unique(requests.session[clean], return_counts=True)
        session = int(names[counts == counts.max()][-1])
        resumed = int((clean & (requests.session != session)).sum())
        clean &= requests.session == session
    excluded = Excluded(
        failed=int(failed.sum()),
        retried=int(retried.sum()),
        unmeasured=int(unmeasured.sum()),
        resumed=resumed,
    )
    calls = calls_of(requests, clean)
    answered = ~failed & np.isfinite(requests.latency_ms)
    return Timing(
        requests=requests,
        clean=clean,
        session=session,
        excluded=excluded,
        calls=calls,
        waited=calls.sample if np.array_equal(answered, clean) else calls_of(requests, answered).sample,
    )
