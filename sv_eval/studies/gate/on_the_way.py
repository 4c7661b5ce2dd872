"""A sequential gate beside a run: told every record, it says when the verdict is sure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sv_eval.record_file.lines import RECORDS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Clip, Record
from sv_eval.report.run_directory import read_environment
from sv_eval.report.verdict import Verdict
from sv_eval.run.early_stopping import UntilSure
from sv_eval.scoring.labels.config import LabelsConfig
from sv_eval.scoring.labels.relabelling import Relabelling, relabelled, relabelling_for
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.sequential import changes_of, decide, schedule_of
from sv_eval.studies.gate.subject import Subject


class OnTheWay:
    """Looks at a run's records, unit by unit.

    baseline: what is compared with. config: the gate, a sequential one. labels: the label map of the run.
    """

    def __init__(self, baseline: Subject, config: GateConfig, labels: LabelsConfig) -> None:
        self._baseline, self._config, self._labels = baseline, config, labels
        self._schedule = schedule_of(baseline.table, baseline.labels, baseline.identity["dataset_hash"])
        self._unit_of = {clip: unit for unit in self._schedule.units for clip in unit}
        self._plan: Relabelling | None = None
        self._change: dict[str, int] = {}
        self._answered: set[str] = set()
        self._waiting: dict[str, Record] = {}

    @property
    def until_sure(self) -> UntilSure:
        """What a run asks."""
        return UntilSure(order=self.order, begin=self.begin, sure=self.sure)

    def order(self, clips: Sequence[Clip]) -> Sequence[Clip]:
        """The clips in the order of the looks; what the baseline does not have comes last."""
        place = {clip: number for number, clip in enumerate(self._schedule.order)}
        return sorted(clips, key=lambda clip: (place.get(clip.id, len(place)), clip.id))

    def begin(self, directory: Path) -> bool:
        """Read what an earlier start of the run left; whether it is sure already."""
        environment = read_environment(directory)
        self._plan = relabelling_for(self._labels, environment)
        if not (directory / RECORDS).exists():
            return False
        self._take(RunRecords.read(directory))
        return self._look()

    def sure(self, record: Record) -> bool:
        """Take a record; whether the verdict is sure now."""
        clip = record.clip.id
        if record.round or clip not in self._unit_of:
            return False
        self._waiting[clip] = record
        unit = self._unit_of[clip]
        if any(one not in self._waiting and one not in self._answered for one in unit):
            return False
        self._take(RunRecords.of_records([self._waiting.pop(one) for one in unit if one in self._waiting]))
        return self._look()

    def _take(self, records: RunRecords) -> None:
        """Note which clips turned right or wrong."""
        if self._plan is None:
            raise RuntimeError("a run is begun before records of it come")
        found: RecordTable = relabelled(records, self._plan).answers
        self._answered |= set(found.clip_ids)
        self._change |= changes_of(self._baseline.table, found, self._baseline.labels, self._baseline.policy)

    def _look(self) -> bool:
        config = self._config
        found = decide(self._schedule, self._answered, self._change, config.growing, config.alpha / 2)
        return found.verdict is not Verdict.INCONCLUSIVE
