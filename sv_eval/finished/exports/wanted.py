"""What an export can't know from the run: under which names others shall find it, and where it goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from sv_eval.errors import UsageError, nearest

RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Names and places for an export; each may be left out."""

    out: Path
    """The folder that files go into."""
    model: str | None = None
    """The model's repository on Hugging Face, ORG/NAME."""
    hub_dataset: str | None = None
    """The corpus's repository on Hugging Face, ORG/NAME, with the task behind a # where it has several."""
    evaluator: str | None = None
    """Who ran the evaluation, for Every Eval Ever."""
    relationship: str = "other"
    """What the evaluator is to the model's makers, one of RELATIONSHIPS."""
    to: str | None = None
    """A tracker's place: MLflow's tracking URI, trackio's folder."""
    experiment: str | None = None
    """MLflow's experiment, trackio's project; None for the corpus's name."""

    @classmethod
    def of(cls, settings: Mapping[str, str], out: Path) -> Self:
        """What settings of a command say; raises UsageError that names the one that is wrong."""
        known = {item.name for item in fields(cls)} - {"out"}
        given = {name: value for name, value in settings.items() if name != "out"}
        for name in given:
            if name not in known:
                raise UsageError(f"{name} is no setting of export; {nearest(name, known)}")
        for name, form in (("model", "ORG/NAME"), ("hub_dataset", "ORG/NAME or ORG/NAME#TASK")):
            value = given.get(name)
            if value is not None and not _REPOSITORY.fullmatch(value.partition("#")[0]):
                raise UsageError(f"{name}={value}: give a repository's name, {form}")
        relationship = given.get("relationship")
        if relationship is not None and relationship not in RELATIONSHIPS:
            raise UsageError(f"relationship={relationship}: one of {', '.join(RELATIONSHIPS)}")
        return cls(out=out, **given)
