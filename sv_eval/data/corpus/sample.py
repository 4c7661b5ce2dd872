"""A few clips of each emotion, drawn by a seed, to listen to."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.config.structure import structure
from sv_eval.data.corpus.reading import Corpus
from sv_eval.emotions import REFERENCE_LABELS
from sv_eval.errors import ConfigError, RunDirectoryError
from sv_eval.records import Clip
from sv_eval.report.run_directory import write_text
from sv_eval.written_files import not_written

INDEX = "index.md"
Placed = tuple[Clip, Path]
"""A clip, and where it lies relative to the index."""
UNLABELLED = "unlabelled"
_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """How many clips, and which."""

    per_emotion: int = 3
    """Clips of each emotion."""
    seed: int = 0
    """Decides which."""
    link: bool = False
    """Symbolic links instead of copies."""

    def __post_init__(self) -> None:
        if self.per_emotion < 1:
            raise ConfigError(f"per_emotion is {self.per_emotion}: give 1 or more")


def sample_settings_from(data: object) -> SampleSettings:
    """The configuration group `sample`, given as plain data; raises ConfigError."""
    return structure(SampleSettings, data, "sample", ConfigError)


def drawn(clips: Iterable[Clip], settings: SampleSettings) -> list[Clip]:
    """Clips by emotion, of each as many as wanted and there are; of different speakers as far as they reach.

    Only seed and id decide, so that the same corpus gives the same clips on every machine.
    """
    groups: defaultdict[str | None, defaultdict[str | None, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for clip in sorted(clips, key=lambda clip: _key(settings.seed, clip.id)):
        groups[clip.reference][clip.speaker].append(clip)
    chosen: list[Clip] = []
    for emotion in (*REFERENCE_LABELS, None):
        by_speaker = list(groups[emotion].values())
        turns = [
            held[turn] for turn in range(max(map(len, by_speaker), default=0)) for held in by_speaker if held[turn:]
        ]
        chosen += turns[: settings.per_emotion]
    return chosen


def write_sample(
    corpus: Corpus, clips: Sequence[Clip], folder: Path, index: Callable[[Sequence[Placed]], str], *, link: bool
) -> Path:
    """Copies or links the clips into a folder per emotion below `folder`, with the index that `index` words.

    A clip that is a stretch of its file is cut out of it, as a 16 kHz wav. The index's path comes back. Raises
    RunDirectoryError for a folder that isn't empty.

    The folder takes its name when it is whole: half of one would look like all of it, and could not be begun again.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunDirectoryError(f"out={folder}: it isn't empty; give a folder that doesn't exist yet")
    partial = folder.with_name(f".{folder.name}.partial")
    rows: list[Placed] = []
    try:
        # Of one that was killed.
        shutil.rmtree(partial, ignore_errors=True)
        rows = _placed(corpus, clips, partial, folder, link=link)
        write_text(partial / INDEX, index(rows))
        os.replace(partial, folder)
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder / INDEX


def _placed(corpus: Corpus, clips: Sequence[Clip], partial: Path, folder: Path, *, link: bool) -> list[Placed]:
    rows: list[Placed] = []
    for number, clip in enumerate(clips, start=1):
        target = partial / (clip.reference or UNLABELLED) / f"{number:03d}_{_safe(clip.id)}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            rows.append((clip, _put(corpus, clip, target, link=link).relative_to(partial)))
        except OSError as error:
            raise RunDirectoryError(f"out={folder}: {clip.path} can't be put there ({error.strerror})") from error
    return rows


def place_of(corpus: Corpus, clip: Clip) -> str:
    """Where a clip's audio lies: its file, or what its row is called; with the stretch that it is of it."""
    source = corpus.source.encoded(clip)
    place = clip.path or clip.id if isinstance(source, bytes) else str(source)
    if clip.channel is not None:
        place += f", channel {clip.channel}"
    if clip.start_s is None and clip.end_s is None:
        return place
    return f"{place} from {clip.start_s or 0:g} s to {'its end' if clip.end_s is None else f'{clip.end_s:g} s'}"


def _key(seed: int, clip_id: str) -> bytes:
    return hashlib.sha256(f"{seed}:{clip_id}".encode(errors="surrogatepass")).digest()


def _safe(clip_id: str) -> str:
    """A clip's id as a file's name."""
    return _UNSAFE.sub("_", clip_id)[-_LONGEST_NAME:]


def _put(corpus: Corpus, clip: Clip, target: Path, *, link: bool) -> Path:
    """Puts a clip at `target`, its ending added; where it lies then."""
    if (clip.start_s, clip.end_s, clip.channel) != (None, None, None):
        return _cut(corpus, clip, target)
    source = corpus.source.encoded(clip)
    suffix = os.path.splitext(clip.path)[1].lower()
    placed = target.with_name(target.name + (suffix if suffix[1:].isalnum() else ""))
    if isinstance(source, bytes):
        placed.write_bytes(source)
    elif link:
        placed.symlink_to(source.resolve())
    else:
        shutil.copyfile(source, placed)
    return placed


def _cut(corpus: Corpus, clip: Clip, target: Path) -> Path:
    import soundfile

    from sv_eval.records import SAMPLE_RATE_HZ

    placed = target.with_name(f"{target.name}.wav")
    soundfile.write(placed, corpus.source.load(clip).samples, SAMPLE_RATE_HZ, subtype="PCM_16")
    return placed
