"""The words of a robustness report and of its figures."""

from __future__ import annotations

from pathlib import Path

import yaml

from sv_eval.foreign_text import cell
from sv_eval.reports.wording import Wording

_ROOM = "room_"


class RobustnessWords(Wording):
    """The report's words, with those of robustness under `robust`."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        path = Path(__file__).parent / "words" / f"robustness_{language}.yaml"
        self._words = {**self._words, "robust": yaml.safe_load(path.read_text(encoding="utf-8"))}

    def corruption(self, name: str) -> str:
        """A corruption's name; one that a plug-in brought keeps its own."""
        if self.has(f"robust.corruptions.{name}"):
            return self(f"robust.corruptions.{name}")
        distance = name.removeprefix(_ROOM).removesuffix("m")
        if name.startswith(_ROOM) and distance.replace(".", "", 1).isdigit():
            return self("robust.room", distance=f"{distance} m")
        return cell(name)

    def axis(self, name: str) -> str:
        """The name of a setting that tells levels apart, with its unit."""
        return self(f"robust.axes.{name}") if self.has(f"robust.axes.{name}") else cell(name)


def level_text(axis: str, value: float) -> str:
    """A level in its setting's unit: bit rates in kbit/s."""
    return f"{value / 1000:g}" if axis == "bit_rate" else f"{value:g}"
