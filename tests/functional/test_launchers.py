"""Sweeps beyond one process: on a Ray cluster, and composed for Slurm."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from sv_eval.config.places import conf_dir

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_a_sweep_on_ray_runs_every_job(call: Call, tmp_path: Path) -> None:
    done = call(
        "-m",
        "hydra/launcher=ray",
        "+hydra.launcher.ray.init.include_dashboard=false",
        "+hydra.launcher.ray.init._node_ip_address=127.0.0.1",
        "backend=fake",
        "dataset=simulated",
        "dataset.simulated.n_clips=40",
        "load=single_stream,offline",
        f"hydra.sweep.dir={tmp_path}",
    )

    assert done.returncode == 0, done.stderr
    assert {path.parent.name for path in tmp_path.glob("*/metrics.json")} == {"0", "1"}


def test_a_sweep_for_slurm_is_composed_with_what_was_asked_for() -> None:
    asked = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu", "hydra.launcher.gpus_per_node=1"]

    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir().resolve())):
        config = compose("config", overrides=asked, return_hydra_config=True)

    launcher = OmegaConf.to_container(config.hydra.launcher, resolve=False)
    assert isinstance(launcher, dict)
    assert launcher["_target_"] == "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"
    assert launcher["partition"] == "gpu"
    assert launcher["gpus_per_node"] == 1
