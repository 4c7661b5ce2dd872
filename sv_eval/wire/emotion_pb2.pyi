from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AudioFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_FORMAT_UNSPECIFIED: _ClassVar[AudioFormat]
    AUDIO_FORMAT_PCM_S16LE: _ClassVar[AudioFormat]
    AUDIO_FORMAT_PCM_F32LE: _ClassVar[AudioFormat]

class Emotion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMOTION_UNSPECIFIED: _ClassVar[Emotion]
    EMOTION_HAPPY: _ClassVar[Emotion]
    EMOTION_SAD: _ClassVar[Emotion]
    EMOTION_ANGRY: _ClassVar[Emotion]
    EMOTION_NEUTRAL: _ClassVar[Emotion]
    EMOTION_FEARFUL: _ClassVar[Emotion]
    EMOTION_DISGUSTED: _ClassVar[Emotion]
    EMOTION_SURPRISED: _ClassVar[Emotion]
    EMOTION_UNKNOWN: _ClassVar[Emotion]
    EMOTION_OTHER: _ClassVar[Emotion]
AUDIO_FORMAT_UNSPECIFIED: AudioFormat
AUDIO_FORMAT_PCM_S16LE: AudioFormat
AUDIO_FORMAT_PCM_F32LE: AudioFormat
EMOTION_UNSPECIFIED: Emotion
EMOTION_HAPPY: Emotion
EMOTION_SAD: Emotion
EMOTION_ANGRY: Emotion
EMOTION_NEUTRAL: Emotion
EMOTION_FEARFUL: Emotion
EMOTION_DISGUSTED: Emotion
EMOTION_SURPRISED: Emotion
EMOTION_UNKNOWN: Emotion
EMOTION_OTHER: Emotion

class Options(_message.Message):
    __slots__ = ("language", "use_itn", "vad_threshold", "chunk_size", "return_all_emotions", "ban_unknown")
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    USE_ITN_FIELD_NUMBER: _ClassVar[int]
    VAD_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CHUNK_SIZE_FIELD_NUMBER: _ClassVar[int]
    RETURN_ALL_EMOTIONS_FIELD_NUMBER: _ClassVar[int]
    BAN_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    language: str
    use_itn: bool
    vad_threshold: float
    chunk_size: float
    return_all_emotions: bool
    ban_unknown: bool
    def __init__(self, language: _Optional[str] = ..., use_itn: bool = ..., vad_threshold: _Optional[float] = ..., chunk_size: _Optional[float] = ..., return_all_emotions: bool = ..., ban_unknown: bool = ...) -> None: ...

class RecognizeRequest(_message.Message):
    __slots__ = ("audio", "format", "sample_rate", "options")
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    audio: bytes
    format: AudioFormat
    sample_rate: int
    options: Options
    def __init__(self, audio: _Optional[bytes] = ..., format: _Optional[_Union[AudioFormat, str]] = ..., sample_rate: _Optional[int] = ..., options: _Optional[_Union[Options, _Mapping]] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("emotion", "probability", "label")
    EMOTION_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    emotion: Emotion
    probability: float
    label: str
    def __init__(self, emotion: _Optional[_Union[Emotion, str]] = ..., probability: _Optional[float] = ..., label: _Optional[str] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("start", "end", "emotion", "scores", "text", "label")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    EMOTION_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    start: float
    end: float
    emotion: Emotion
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    text: str
    label: str
    def __init__(self, start: _Optional[float] = ..., end: _Optional[float] = ..., emotion: _Optional[_Union[Emotion, str]] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., text: _Optional[str] = ..., label: _Optional[str] = ...) -> None: ...

class RecognizeResponse(_message.Message):
    __slots__ = ("text", "emotion", "confidence", "duration", "language", "event", "scores", "segments", "model", "request_id", "label", "confidence_calibrated", "scores_calibrated", "alarms", "below_threshold", "arousal", "valence", "dominance")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    EMOTION_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_CALIBRATED_FIELD_NUMBER: _ClassVar[int]
    SCORES_CALIBRATED_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    BELOW_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    AROUSAL_FIELD_NUMBER: _ClassVar[int]
    VALENCE_FIELD_NUMBER: _ClassVar[int]
    DOMINANCE_FIELD_NUMBER: _ClassVar[int]
    text: str
    emotion: Emotion
    confidence: float
    duration: float
    language: str
    event: str
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    model: str
    request_id: str
    label: str
    confidence_calibrated: float
    scores_calibrated: _containers.RepeatedCompositeFieldContainer[Score]
    alarms: _containers.RepeatedScalarFieldContainer[str]
    below_threshold: str
    arousal: float
    valence: float
    dominance: float
    def __init__(self, text: _Optional[str] = ..., emotion: _Optional[_Union[Emotion, str]] = ..., confidence: _Optional[float] = ..., duration: _Optional[float] = ..., language: _Optional[str] = ..., event: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ..., model: _Optional[str] = ..., request_id: _Optional[str] = ..., label: _Optional[str] = ..., confidence_calibrated: _Optional[float] = ..., scores_calibrated: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., alarms: _Optional[_Iterable[str]] = ..., below_threshold: _Optional[str] = ..., arousal: _Optional[float] = ..., valence: _Optional[float] = ..., dominance: _Optional[float] = ...) -> None: ...

class StreamingConfig(_message.Message):
    __slots__ = ("encoding", "sample_rate", "update_s", "options")
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_S_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    encoding: AudioFormat
    sample_rate: int
    update_s: float
    options: Options
    def __init__(self, encoding: _Optional[_Union[AudioFormat, str]] = ..., sample_rate: _Optional[int] = ..., update_s: _Optional[float] = ..., options: _Optional[_Union[Options, _Mapping]] = ...) -> None: ...

class StreamingRecognizeRequest(_message.Message):
    __slots__ = ("config", "audio")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    config: StreamingConfig
    audio: bytes
    def __init__(self, config: _Optional[_Union[StreamingConfig, _Mapping]] = ..., audio: _Optional[bytes] = ...) -> None: ...

class PartialResult(_message.Message):
    __slots__ = ("start", "end", "emotion", "confidence", "text", "scores", "chunk_scores", "label", "confidence_calibrated", "scores_calibrated", "alarms", "below_threshold")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    EMOTION_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    CHUNK_SCORES_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_CALIBRATED_FIELD_NUMBER: _ClassVar[int]
    SCORES_CALIBRATED_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    BELOW_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    start: float
    end: float
    emotion: Emotion
    confidence: float
    text: str
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    chunk_scores: _containers.RepeatedCompositeFieldContainer[Score]
    label: str
    confidence_calibrated: float
    scores_calibrated: _containers.RepeatedCompositeFieldContainer[Score]
    alarms: _containers.RepeatedScalarFieldContainer[str]
    below_threshold: str
    def __init__(self, start: _Optional[float] = ..., end: _Optional[float] = ..., emotion: _Optional[_Union[Emotion, str]] = ..., confidence: _Optional[float] = ..., text: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., chunk_scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., label: _Optional[str] = ..., confidence_calibrated: _Optional[float] = ..., scores_calibrated: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., alarms: _Optional[_Iterable[str]] = ..., below_threshold: _Optional[str] = ...) -> None: ...

class StreamingRecognizeResponse(_message.Message):
    __slots__ = ("partial", "final")
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    partial: PartialResult
    final: RecognizeResponse
    def __init__(self, partial: _Optional[_Union[PartialResult, _Mapping]] = ..., final: _Optional[_Union[RecognizeResponse, _Mapping]] = ...) -> None: ...
