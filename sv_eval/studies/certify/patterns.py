"""One fault breaks many relations: which of them together point at one place. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sv_eval.report.certificate import LikelyCause
from sv_eval.studies.certify.file_forms import FILES
from sv_eval.studies.certify.relations import RELATIONS
from sv_eval.studies.certify.sounds import SOUNDS

_OF_FILES = frozenset(one.name for one in FILES)
_OF_SOUNDS = frozenset(one.name for one in SOUNDS)
_AT_ONE_MOMENT = frozenset({"callers_8", "callers_32", "pairs", "batch", "beside_longer", "beside_louder"})
_RATES = frozenset({"rate_8000", "rate_22050", "rate_44100", "rate_48000", "doubled_rate", "above_band"})
_CHANNELS = frozenset({"dual_mono", "left_only", "right_only", "antiphase"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Relations that break together."""

    name: str
    """Its name; its words stand under it in `reports/words/certify_*.yaml`."""
    broken: frozenset[str]
    """All of these are broken."""
    whole: frozenset[str] = frozenset()
    """None of these is."""
    explains: frozenset[str]
    """What else then follows from it."""


PATTERNS = (
    Pattern(name="not_listening", broken=frozenset({"listens"}), explains=frozenset(RELATIONS)),
    Pattern(name="carried_over", broken=frozenset({"order"}), explains=frozenset(RELATIONS)),
    Pattern(name="mixed_up", broken=frozenset({"pairs"}), explains=_AT_ONE_MOMENT),
    Pattern(name="header_skipped", broken=frozenset({"big_chunk", "extensible"}), explains=_OF_FILES),
    Pattern(name="plain_wav", broken=frozenset({"flac", "int24", "float32"}), explains=_OF_FILES | _OF_SOUNDS),
    Pattern(
        name="rate_ignored",
        broken=frozenset({"rate_44100", "doubled_rate"}),
        explains=_RATES | {"webm", "antiphase"},
    ),
    Pattern(name="interleaved", broken=frozenset({"dual_mono", "left_only"}), explains=_CHANNELS),
    Pattern(
        name="packed",
        broken=frozenset({"flac", "ogg"}),
        whole=frozenset({"int24"}),
        explains=frozenset({"flac", "ogg", "mp3", "m4a", "webm"}),
    ),
)
"""The more they explain, the earlier they stand."""


def likely_causes(broken: Sequence[str]) -> tuple[LikelyCause, ...]:
    """What explains several broken relations at once; a relation is explained once.

    >>> [(one.name, one.explains) for one in likely_causes(["dual_mono", "left_only", "head"])]
    [('interleaved', ('dual_mono', 'left_only'))]
    """
    left = list(broken)
    found = []
    for pattern in PATTERNS:
        if pattern.broken <= set(left) and not _any(pattern.whole, broken):
            explained = tuple(name for name in left if name in pattern.explains | pattern.broken)
            found.append(LikelyCause(name=pattern.name, explains=explained))
            left = [name for name in left if name not in explained]
    return tuple(one for one in found if len(one.explains) > 1)


def _any(names: Collection[str], among: Collection[str]) -> bool:
    return any(name in among for name in names)
