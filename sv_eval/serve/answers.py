"""What a recogniser said, in the words of the wire."""

from __future__ import annotations

from collections.abc import Mapping

from sv_eval.backend import StreamUpdate
from sv_eval.emotions import UNKNOWN
from sv_eval.records import Prediction, Segment
from sv_eval.scoring.decisions import Decided
from sv_eval.sound_facts import SoundFacts
from sv_eval.sound_limits import concerns_of
from sv_eval.wire.messages import Dimensions, EmotionData, Options, SegmentAnswer, SoundData, StreamPartial

_DIGITS = 6


def emotion_data(decided: Decided, *, duration_s: float, model: str, options: Options) -> EmotionData:
    """The answer to one recording, with as much of it as was asked for.

    With `ban_unknown` the emotion is the best one with `unknown` banned, and the posterior is the one given that
    `unknown` is not the answer: p / (1 - p(unknown)). Thresholds make no `unknown` then.
    """
    prediction = decided.answer
    scores = _banned(prediction.scores) if options.ban_unknown else prediction.scores
    emotion = prediction.label
    if options.ban_unknown:
        emotion = prediction.forced or decided.below or _named(prediction.label)
    data = EmotionData(
        text=prediction.text or "",
        emotion=emotion,
        confidence=_rounded(_confidence(prediction, emotion, scores)),
        duration=round(duration_s, _DIGITS),
        language=prediction.language,
        event=prediction.event,
        model=model,
    )
    if options.return_all_emotions:
        data.scores = _all_rounded(scores)
    if prediction.dimensions:
        data.dimensions = Dimensions(
            **{name: round(value, _DIGITS) for name, value in prediction.dimensions.items()}
        )
    if prediction.segments:
        data.segments = [_segment(segment, options) for segment in prediction.segments]
    _decide(data, decided, options)
    return data


def _decide(data: EmotionData | StreamPartial, decided: Decided, options: Options) -> None:
    """Add what calibration and thresholds say; nothing where there are none."""
    if decided.calibrated is not None:
        calibrated = _banned(decided.calibrated) if options.ban_unknown else decided.calibrated
        data.confidence_calibrated = _rounded((calibrated or {}).get(data.emotion or ""))
        if options.return_all_emotions:
            data.scores_calibrated = _all_rounded(calibrated)
    if decided.alarms is not None:
        data.alarms = list(decided.alarms)
    if decided.below is not None and not options.ban_unknown:
        data.below_threshold = decided.below


def sound_data(facts: SoundFacts) -> SoundData:
    """What a file's sound is."""
    return SoundData(
        band_hz=facts.band_hz, snr_db=facts.snr_db, clipped=facts.clipped, dc=facts.dc, silence=facts.silence,
        lead_s=facts.lead_s, tail_s=facts.tail_s, pitch_hz=facts.pitch_hz, concerns=list(concerns_of(facts)),
    )  # fmt: skip


def stream_partial(update: StreamUpdate, decided: Decided, options: Options) -> StreamPartial:
    """What is known after one more piece of a stream; `decided` is the same under calibration and thresholds."""
    scores = _banned(update.scores) if options.ban_unknown else update.scores
    emotion = decided.answer.label
    if options.ban_unknown and scores and emotion is not None:
        emotion = max(scores, key=lambda name: scores[name])
    partial = StreamPartial(
        start=round(update.start_s, _DIGITS),
        end=round(update.end_s, _DIGITS),
        emotion=emotion,
        confidence=_rounded((scores or {}).get(emotion or "")),
        text=update.text,
    )
    if options.return_all_emotions:
        chunk = _banned(update.chunk_scores) if options.ban_unknown else update.chunk_scores
        partial.scores, partial.chunk_scores = _all_rounded(scores), _all_rounded(chunk)
    _decide(partial, decided, options)
    return partial


def _segment(segment: Segment, options: Options) -> SegmentAnswer:
    scores = _banned(segment.scores) if options.ban_unknown else segment.scores
    emotion = segment.label
    if options.ban_unknown:
        emotion = max(scores, key=lambda name: scores[name]) if scores else _named(emotion)
    answer = SegmentAnswer(
        start=round(segment.start_s, _DIGITS),
        end=round(segment.end_s, _DIGITS),
        emotion=emotion,
        text=segment.text,
    )
    if options.return_all_emotions:
        answer.scores = _all_rounded(scores)
    return answer


def _confidence(prediction: Prediction, emotion: str | None, scores: Mapping[str, float] | None) -> float | None:
    if emotion is None:
        return None
    if scores is not None and emotion in scores:
        return scores[emotion]
    return prediction.confidence if emotion == prediction.label else None


def _named(label: str | None) -> str | None:
    return None if label == UNKNOWN else label


def _banned(scores: Mapping[str, float] | None) -> dict[str, float] | None:
    """The posterior given that `unknown` is not the answer; None where nothing else has any weight."""
    if scores is None:
        return None
    named = {name: score for name, score in scores.items() if name != UNKNOWN}
    total = sum(named.values())
    return {name: score / total for name, score in named.items()} if total > 0 else None


def _all_rounded(scores: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if scores is None else {name: round(score, _DIGITS) for name, score in scores.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
