"""One job of the command: configuration in, run directory and headline out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sv_eval.backend import Backend, is_backend
from sv_eval.command import relative
from sv_eval.errors import ConfigError
from sv_eval.evaluate import evaluate
from sv_eval.rescore import Summary


def run_job(config: Any, hydra_config: Any, directory: Path) -> None:
    """Evaluate as the composed `config` says, keep the composition in `.hydra/`, print the headline."""
    from omegaconf import OmegaConf

    settings = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if not isinstance(settings, dict):
        raise ConfigError("the configuration is not a mapping")
    plain = {str(key): value for key, value in settings.items()}
    backend = build_backend(plain["backend"])
    summary = evaluate(
        plain,
        backend,
        directory,
        overrides=list(hydra_config.overrides.task),
        on_accepted=lambda: _keep(config, hydra_config, directory),
    )
    print(headline(summary))


def build_backend(settings: Mapping[str, Any]) -> Backend:
    """The object that `_target_` names, built with the other settings."""
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        backend = instantiate(dict(settings), _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, ConfigError):
            raise cause from error
        detail = " ".join(str(cause or error).split())
        raise ConfigError(
            f"backend._target_={settings.get('_target_')}: can't be built ({detail})"
        ) from error
    if not is_backend(backend):
        raise ConfigError(
            f"backend._target_={settings.get('_target_')}: not a backend (sv_eval.backend.Backend)"
        )
    return backend


def headline(summary: Summary) -> str:
    """The lines that end a run on a terminal."""
    metrics = summary.metrics
    run, uar, latency = metrics["run"], metrics["accuracy"]["uar"], metrics["latency_ms"]
    lines = [
        f"{run['dataset']} on {run['backend']}: {run['n_scored']} of {run['n_clips']} clips scored, "
        f"{run['n_unknown']} unknown, {run['n_failed']} failed",
        f"UAR {_interval(uar, 3)} over {', '.join(metrics['labels']) or 'no emotion'}",
        "latency " + ", ".join(f"{name} {_interval(latency[name], 1, ' ms')}" for name in ("p50", "p95")),
    ]
    lines += [
        f"caveat: {caveat['code']}" for caveat in metrics["caveats"] if caveat["code"] == "training_overlap"
    ]
    return "\n".join([*lines, f"report: {relative(summary.report)}"])


def _interval(figure: Mapping[str, Any], digits: int, unit: str = "") -> str:
    if figure["value"] is None:
        return f"- ({figure.get('reason', 'not given')})"
    text = f"{figure['value']:.{digits}f}{unit}"
    if figure["low"] is None or figure["high"] is None:
        return text
    return f"{text} [{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]"


def _keep(config: Any, hydra_config: Any, directory: Path) -> None:
    """Write `.hydra/` as Hydra does, now that the directory is known to be this run's."""
    from omegaconf import OmegaConf

    folder = directory / ".hydra"
    folder.mkdir(exist_ok=True)
    OmegaConf.save(config, folder / "config.yaml")
    OmegaConf.save(OmegaConf.create({"hydra": hydra_config}), folder / "hydra.yaml")
    OmegaConf.save(OmegaConf.create(list(hydra_config.overrides.task)), folder / "overrides.yaml")
