"""One run as it is served: its page, and the sound of its clips."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from sv_eval.errors import AudioError, RunDirectoryError
from sv_eval.finished.page import Page, clips_in, page_of
from sv_eval.finished.report_config import ReportConfig
from sv_eval.finished.sounds import RunSounds, as_wav
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip
from sv_eval.report.environment import Environment
from sv_eval.report.run_directory import read_environment, read_report
from sv_eval.reports.page.contents import Made


class ServedRun:
    """A run directory, read when it is first asked for.

    root: the folder of its corpus, where that lies elsewhere by now.
    """

    def __init__(self, directory: Path, *, language: str = "en", root: str | None = None) -> None:
        self.directory, self._language, self._root = directory, language, root

    @cached_property
    def _environment(self) -> Environment:
        return read_environment(self.directory)

    @cached_property
    def _page(self) -> Page:
        report, records = read_report(self.directory), RunRecords.read(self.directory)
        # Earlier versions kept no hash.
        if report.run.records_hash and report.run.records_hash != records.hash:
            raise RunDirectoryError(
                f"{self.directory}: its records were changed after its figures were made; sv-eval score "
                f"{self.directory} makes them anew"
            )
        return page_of(
            self.directory,
            report,
            self._environment,
            records,
            ReportConfig(language=self._language),
            Made(settings={}),
        )

    @cached_property
    def html(self) -> bytes:
        """The page."""
        return self._page.text(served=True).encode()

    @property
    def file(self) -> bytes:
        """The page as a file that stands alone, without sound."""
        return self._page.text().encode()

    @cached_property
    def _clips(self) -> tuple[Clip, ...]:
        data: Mapping[str, Any] = self._page.clips
        return tuple(clips_in(data))

    @cached_property
    def _sounds(self) -> RunSounds:
        return RunSounds(self._environment, self._root)

    def wav(self, row: int) -> bytes:
        """The sound of the clip in a row of the table, as the recogniser heard it; raises AudioError."""
        if not 0 <= row < len(self._clips):
            raise AudioError("not_found", f"there is no clip {row}")
        return as_wav(self._sounds.samples(self._clips[row]))
