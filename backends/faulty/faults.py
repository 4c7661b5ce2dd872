"""The faults that can be planted, each with what it is and the relations that name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sv_eval.backends.faulty import answers, asking, sounds, streams
from sv_eval.backends.faulty.exchange import Around, Asked, Judge, Said

_SWAPPED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of wiring."""

    name: str
    """Its name."""
    what: str
    """What is wrong, in a line."""
    found_by: tuple[str, ...]
    """Relations of a certificate that name it; it breaks one of these at least."""
    around: Callable[[], Around]
    """Makes what stands between request and judge, with a memory of its own."""
    backend: str = "remote/service_form"
    """Asked by this backend it shows."""
    alphabet: bytes | None = None
    """The letters that base64 is read with; None for the right ones."""


async def _through(asked: Asked, judge: Judge) -> Said:
    return await judge(asked)


_HEADERLESS = ("big_chunk", "extensible")
_OTHER_DEPTH = ("int24", "float32", "flac")
_MIXED_UP = ("pairs", "callers_8", "callers_32")

_FAULTS = (
    # What is heard of a file.
    ("eight_as_sixteen", "samples of 8 kHz are taken for 16 kHz", ("rate_8000",), sounds.eight_as_sixteen),
    (
        "rate_ignored",
        "whatever the rate, it is taken for 16 kHz",
        ("rate_44100", "doubled_rate"),
        sounds.rate_ignored,
    ),
    ("no_antialias", "samples are left out where the rate is lowered", ("above_band",), sounds.no_antialias),
    ("int16_unscaled", "16-bit samples are not divided by 32768", _OTHER_DEPTH, sounds.int16_unscaled),
    ("int16_as_uint16", "16-bit samples are read without sign", _OTHER_DEPTH, sounds.int16_as_uint16),
    ("big_endian", "16-bit samples are read with their bytes swapped", _OTHER_DEPTH, sounds.big_endian),
    ("offset_added", "16-bit samples are moved off zero, into the ceiling", _OTHER_DEPTH, sounds.offset_added),
    ("float_as_int", "float samples are read as 16-bit ones", ("float32",), sounds.float_as_int),
    ("mulaw_as_pcm", "mu-law is read as linear bytes", ("mulaw",), sounds.mulaw_as_pcm),
    ("header_as_samples", "the header is read as samples, too", _HEADERLESS, sounds.header_as_samples),
    ("fixed_header", "samples are looked for 44 bytes into the file", _HEADERLESS, sounds.fixed_header),
    ("odd_chunk", "an odd chunk's padding is not skipped", ("odd_list",), sounds.odd_chunk),
    ("size_believed", "a header that states no size ends the file", ("unknown_size",), sounds.size_believed),
    ("stereo_as_mono", "channels are read one sample after the other", ("dual_mono",), sounds.stereo_as_mono),
    ("left_channel", "the first channel alone is heard", ("right_only",), sounds.left_channel),
    ("antiphase_summed", "channels that cancel each other are added", ("antiphase",), sounds.antiphase_summed),
    ("first_packet", "of a packed file the first piece alone is read", ("flac", "ogg", "m4a"), sounds.first_packet),
    ("mp3_rate", "mp3 is played at the rate of its decoder", ("mp3",), sounds.mp3_rate),
    ("alphabet", "base64 is read with two letters exchanged", _OTHER_DEPTH, lambda: _through),
    # What is made of the sound.
    ("head_lost", "the first 200 ms are lost", ("head",), sounds.head_lost),
    ("tail_lost", "the last half second is lost", ("tail",), sounds.tail_lost),
    ("truncated", "nothing is heard beyond 10 s", ("long_end",), sounds.truncated),
    ("clipped", "four times too loud, and clipped", ("tops",), sounds.clipped),
    ("int8", "samples are kept in 8 bits", ("low_bits",), sounds.int8),
    ("trimmed", "what is below a fixed level is cut out as silence", ("gain_20",), sounds.trimmed),
    # Which request gets which answer.
    ("swapped", "answers are exchanged under load", _MIXED_UP, asking.swapped),
    ("completion_order", "answers come in the order of their lengths", _MIXED_UP, asking.completion_order),
    ("shared_buffer", "requests at one moment share a buffer", _MIXED_UP, asking.shared_buffer),
    ("retry_mixed_up", "a second attempt gets somebody else's answer", _MIXED_UP, asking.retry_mixed_up),
    ("normalised_together", "levels are normalised over a batch", ("beside_louder",), asking.normalised_together),
    ("padding_leaks", "what a batch is padded with is heard", ("beside_longer",), asking.padding_leaks),
    ("replicas", "two models stand behind one address", ("repeat",), asking.replicas),
    ("previous_answer", "each request gets the answer to the one before", ("order",), asking.previous_answer),
    (
        "connection_keeps",
        "a connection keeps the end of the clip before",
        ("order", "fresh_connection"),
        asking.connection_keeps,
    ),
    ("name_cached", "answers are kept by the file's name", ("one_name",), asking.name_cached),
    ("length_cached", "answers are kept by the sound's length", ("one_length",), asking.length_cached),
    ("language_kept", "the last request's language stays", ("language_stays",), asking.language_kept),
    ("setting_kept", "the last request's text setting stays", ("setting_stays",), asking.setting_kept),
    ("after_error", "after a bad file the answer before is given again", ("after_bad",), asking.after_error),
    # What becomes of a stream.
    ("first_piece", "of a stream the first piece is lost", ("pieces",), streams.first_piece),
    ("last_piece", "of a stream the last piece is lost", ("pieces",), streams.last_piece),
    ("pieces_crossed", "of a stream each two pieces change places", ("pieces",), streams.pieces_crossed),
    ("stream_before", "a stream ends with the last answer of the one before", ("order",), streams.stream_before),
    # What is told.
    ("tagless_neutral", "no tag is told as neutral", ("silence", "best_score"), answers.tagless_neutral),
    ("label_order", "scores are told under a shifted list of labels", ("best_score",), answers.label_order),
    ("other_confidence", "the confidence is that of the next class", ("confidence",), answers.other_confidence),
    ("constant", "the best class is looked for along the wrong axis", ("listens",), answers.constant),
)
_STREAMED = "remote/service_websocket"
_BACKENDS = {
    "alphabet": "remote",
    **dict.fromkeys(("first_piece", "last_piece", "pieces_crossed", "stream_before"), _STREAMED),
}
FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        name: Fault(
            name=name,
            what=what,
            found_by=found_by,
            around=around,
            backend=_BACKENDS.get(name, "remote/service_form"),
            alphabet=_SWAPPED if name == "alphabet" else None,
        )
        for name, what, found_by, around in _FAULTS
    }
)
"""By name."""
