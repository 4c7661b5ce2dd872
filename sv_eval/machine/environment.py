"""What a run was measured on: machine, package versions, git state."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from msgspec import UNSET

from sv_eval.config.places import house
from sv_eval.machine.native_precisions import native_precisions
from sv_eval.report.environment import Git, GitState, Machine, Surroundings
from sv_eval.version import __version__

_PACKAGES = (
    "onnxruntime", "onnxruntime-gpu", "torch", "torchaudio", "funasr", "kaldi-native-fbank", "sentencepiece",
    "silero-vad", "soundfile", "av", "soxr", "numpy", "scipy", "hydra-core", "datasets", "aiohttp", "grpcio",
)  # fmt: skip
_GPU_FIELDS = ("name", "driver_version", "memory.total", "clocks.sm", "clocks.max.sm", "power.limit")
_TIMEOUT_S = 5.0


def describe_environment() -> Surroundings:
    """Machine, packages and git state. Whatever can't be found out is left out."""
    return Surroundings(machine=describe_machine(), packages=package_versions(), git=describe_git())


def describe_machine() -> Machine:
    """Processor, usable cores, memory, system, Python, and GPUs where `nvidia-smi` finds them."""
    return Machine(
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        gpus=tuple(describe_gpus()) or UNSET,
        native_precisions=native_precisions() or UNSET,
    )


def describe_gpus() -> list[dict[str, str]]:
    """One entry for each NVIDIA GPU: name, driver, memory, clocks, power limit."""
    if shutil.which("nvidia-smi") is None:
        return []
    listing = _output_of(["nvidia-smi", f"--query-gpu={','.join(_GPU_FIELDS)}", "--format=csv,noheader"])
    rows = [line.split(", ") for line in (listing or "").splitlines()]
    return [dict(zip(_GPU_FIELDS, row, strict=True)) for row in rows if len(row) == len(_GPU_FIELDS)]


def package_versions() -> dict[str, str]:
    """Versions of sv-eval and of the packages that can change an answer or a latency."""
    versions = {"sv-eval": __version__}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe_git() -> Git:
    """The state of sv_eval's own checkout (None for an installed package) and of the working directory."""
    own = git_state(house()) if (house() / ".git").exists() else None
    return Git(sv_eval=own, working_directory=git_state(Path.cwd()))


def git_state(directory: Path) -> GitState | None:
    """Commit and cleanliness of the repository that holds `directory`; None outside of one."""
    commit = _output_of(["git", "-C", str(directory), "rev-parse", "HEAD"])
    if commit is None:
        return None
    # A look writes nothing: one that is killed would leave a lock behind, and the repository unusable.
    changes = _output_of(
        ["git", "--no-optional-locks", "-C", str(directory), "status", "--porcelain", "--untracked-files=no"]
    )
    return GitState(commit=commit.strip(), dirty=bool(changes and changes.strip()))


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _output_of(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
