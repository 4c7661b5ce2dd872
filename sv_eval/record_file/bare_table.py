"""A table of answers alone: all that a baseline keeps of a run's records."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.class_codes import SEVEN, ClassCodes
from sv_eval.record_file.table import RecordTable
from sv_eval.record_file.texts import Texts


def bare_table(
    clip_ids: Iterable[str],
    *,
    reference: NDArray[np.int8],
    predicted: NDArray[np.int8],
    forced: NDArray[np.int8],
    speaker: NDArray[np.int32],
    speakers: tuple[str, ...],
    class_codes: ClassCodes = SEVEN,
) -> RecordTable:
    """The table of clips, ascending by id, with codes as RecordTable has them; everything else is unknown in it."""
    ids = Texts.of(clip_ids)
    n = len(ids)
    unknown = np.full(n, np.nan)
    return RecordTable(
        clip_ids=ids,
        round=np.zeros(n, dtype=np.int32),
        reference=reference,
        predicted=predicted,
        forced=forced,
        raw_label=np.full(n, -1, dtype=np.int32),
        raw_labels=(),
        said=np.full(n, -1, dtype=np.int32),
        said_words=(),
        outcome=np.zeros(n, dtype=np.int8),
        speaker=speaker,
        speakers=speakers,
        latency_ms=unknown,
        audio_s=unknown,
        confidence=unknown,
        batch_size=np.ones(n, dtype=np.int32),
        attempts=np.ones(n, dtype=np.int32),
        session=np.zeros(n, dtype=np.int32),
        call=np.full(n, -1, dtype=np.int64),
        sent_s=unknown,
        language=np.full(n, -1, dtype=np.int32),
        languages=(),
        sex=np.full(n, -1, dtype=np.int32),
        sexes=(),
        age=np.full(n, -1, dtype=np.int16),
        accent=np.full(n, -1, dtype=np.int32),
        accents=(),
        ballots=np.full(n, -1, dtype=np.int32),
        ballot_sets=(),
        emotions=np.full(n, -1, dtype=np.int32),
        emotion_sets=(),
        transcripts=Texts.of([None] * n),
        recognised=Texts.of([None] * n),
        paths=Texts.of([""] * n),
        failures={},
        stages_ms={},
        troubles={},
        late_ms=unknown,
        shared=np.zeros(n, dtype=np.bool_),
        streamed={},
        marks={},
        sound={},
        told={},
        true_dimensions={},
        dimensions={},
        answered_by={},
        n_repeated=0,
        class_codes=class_codes,
    )
