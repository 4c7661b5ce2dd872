"""All relations, in the order in which they are asked and told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sv_eval.studies.certify.file_forms import FILES
from sv_eval.studies.certify.own import OWN
from sv_eval.studies.certify.relation import Relation
from sv_eval.studies.certify.sounds import SOUNDS
from sv_eval.studies.certify.ways import WAYS

RELATIONS: Mapping[str, Relation] = MappingProxyType({one.name: one for one in (*OWN, *SOUNDS, *WAYS, *FILES)})
"""By name."""
