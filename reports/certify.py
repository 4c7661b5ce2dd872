"""The report of a certificate, as Markdown."""

from __future__ import annotations

from pathlib import Path

import yaml

from sv_eval.foreign_text import cell, each_text, inert
from sv_eval.report.certificate import Certificate, ClipToTry, RelationFound, Standing, TriedAnswer
from sv_eval.reports.markdown import machine_line, template
from sv_eval.reports.wording import Wording, number, p_value, share

_ADDRESS = "URL"


class CertifyWording(Wording):
    """The words of reports with those of certificates, at `certify`."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        path = Path(__file__).parent / "words" / f"certify_{language}.yaml"
        self._words = {**self._words, "certify": yaml.safe_load(path.read_text(encoding="utf-8"))}

    def relation(self, name: str, part: str) -> str:
        """What a relation does, or its usual causes."""
        return self(f"certify.relations.{name}.{part}")

    def found(self, one: RelationFound) -> str:
        """What was found of a broken relation."""
        values = {"off": one.off, "n": one.n, "allowed": share(one.allowed), "control": one.control}
        return self(f"certify.found.{one.rule}", p=p_value(one.p_adjusted), **values)

    def reason(self, one: RelationFound) -> str:
        """Why a relation is not decided."""
        return self(f"certify.reasons.{one.reason}", failure=cell(one.failure or "")) if one.reason else ""

    def standing(self, one: RelationFound) -> str:
        """How a relation stands."""
        if one.sensitive:
            return self("certify.sensitive")
        said = self(f"certify.standing.{one.standing.value}")
        if one.standing is Standing.REFUSED:
            return f"{said}: {cell(one.failure or '')}"
        why = self.reason(one)
        return f"{said}: {why}" if why else said

    def answer(self, tried: TriedAnswer) -> str:
        """An answer in a few words."""
        if tried.failure is not None:
            return self("certify.failed", why=cell(tried.failure))
        said = self("certify.none") if tried.label is None else self.emotion(tried.label)
        return f"{said} ({number(tried.confidence)})" if tried.confidence is not None else said

    def to_try(self, clip: ClipToTry) -> str:
        """The files of a clip to try, with what was answered to them."""
        first, second = clip.answers
        if first is None:
            return ""
        values = {"reference": clip.reference, "first": self.answer(first)}
        if second is None:
            return self("certify.try_one", **values)
        values["second"] = self.answer(second)
        if clip.guise is None:
            return self("certify.try_same", **values)
        return self("certify.try_files", guise=clip.guise, **values)


def render_certificate(result: Certificate, language: str = "en") -> str:
    """The certificate's report, in `language` (`en` or `zh`)."""
    words, result = CertifyWording(language), each_text(result, inert)
    counts = result.counts
    broken = [one for one in result.relations if one.standing is Standing.BROKEN]
    explained = {name for cause in result.likely_causes for name in cause.explains}
    unable: dict[str, list[str]] = {}
    for one in result.relations:
        if one.standing is Standing.NOT_APPLICABLE and one.reason is not None:
            unable.setdefault(one.reason, []).append(f"`{one.name}`")
    return template("certify.md.j2").render(
        w=words,
        r=result,
        of=counts.held + counts.broken + counts.undecided,
        broken=broken,
        alone=[one for one in broken if one.name not in explained],
        codes=lambda names: [f"`{name}`" for name in names],
        undecided=[one for one in result.relations if one.standing is Standing.UNDECIDED],
        sensitive=[one for one in result.relations if one.sensitive],
        asked=[one for one in result.relations if one.standing is not Standing.NOT_APPLICABLE],
        unable=unable,
        url=result.backend.details.get("endpoint", _ADDRESS),
        machine=machine_line(result.environment.machine),
        number=number,
        p_value=p_value,
    )
