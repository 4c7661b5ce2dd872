"""The report: one Markdown document that renders on GitHub."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from reports import figures
from reports.wording import Wording, cell, number, percent, share

_HEADLINE_CAVEATS = (
    "incomplete",
    "nothing_scored",
    "demonstration_model",
    "random_weights",
    "simulation",
    "chance",
    "fitted_by_speakers",
    "fitted_by_clips",
    "training_overlap",
    "fell_behind",
)
_LOAD_SETTINGS: Mapping[str, Sequence[str]] = {
    "poisson": ("rate", "seed"),
    "constant": ("rate",),
    "ramp": ("rate", "rate_end", "ramp_s"),
    "trace": ("trace_file",),
    "closed": ("concurrency", "think_s"),
    "multi_stream": ("concurrency",),
}
_PLANNED = tuple(_LOAD_SETTINGS)
"""Schedules under which latency counts from when a request was due."""
_WORST = 8
_SPEAKERS = 40
_PACKAGES_FIRST = ("sv-eval", "onnxruntime", "torch", "funasr", "kaldi-native-fbank", "numpy")


def render(
    metrics: Mapping[str, Any],
    environment: Mapping[str, Any],
    language: str = "en",
    *,
    rescored: Sequence[str] = (),
) -> str:
    """The report on a run in `language` (`en` or `zh`), from its metrics.json and environment.json.

    rescored: what `python -m sv_eval.score` was told, where it made the figures.
    """
    words = Wording(language)
    return template("report.md.j2").render(
        w=words,
        m=metrics,
        e=environment,
        run=metrics["run"],
        scale=f"{100 * metrics['intervals']['confidence']:g} %",
        headline_caveats=[c for c in metrics["caveats"] if c["code"] in _HEADLINE_CAVEATS],
        measured=_measured_rows(words, metrics, environment),
        clusters=_clusters(words, metrics["intervals"]),
        method=_method(words, metrics["intervals"]),
        confusion_rows=_confusion_rows(words, metrics),
        worst=metrics["worst_confusions"][:_WORST],
        speakers=list(metrics["by_speaker"].items())[:_SPEAKERS],
        command=_command(environment, rescored),
        figures=figures,
        planned=_PLANNED,
        quoted=_quoted(),
        share=share,
        number=number,
    )


@functools.cache
def _quoted() -> Mapping[str, Any]:
    """What others report, for the reader to see beside a run."""
    import yaml

    found: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "quoted.yaml").read_text(encoding="utf-8"))
    return found


@functools.cache
def template(name: str) -> jinja2.Template:
    """A template of this package, with the filters that all of them use."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters.update(percent=percent, cell=cell)
    return environment.get_template(name)


def _measured_rows(
    words: Wording, metrics: Mapping[str, Any], environment: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """The table of what was measured on what; rows without content are left out."""
    run, backend, dataset = metrics["run"], environment["backend"], environment["dataset"]
    here, load = _session(metrics, environment), environment["config"]["load"]
    machine = here["machine"]
    batch = 1 if load["schedule"] != "offline" else backend["capabilities"]["max_batch"]
    rows = [
        ("model", cell(backend["model"])),
        ("weights", ", ".join(filter(None, [backend["precision"], _code(backend["model_hash"])]))),
        ("model_licence", cell((backend.get("card") or {}).get("licence") or "")),
        ("backend", f"`{backend['name']}`"),
        ("device", backend["device"]),
        ("settings", ", ".join(f"{key} {cell(value)}" for key, value in backend["details"].items())),
        ("corpus", f"{cell(dataset['title'])}, {words('split_line', split=dataset['split'])}"),
        ("licence", cell(dataset["licence"])),
        ("labels", words("label_maps", corpus=_map(dataset["label_map"]), scored=_map(metrics["label_map"]))),
        ("audio", _audio(words, run)),
        (
            "schedule",
            words("batch_line", schedule=load["schedule"], batch=batch, warmup=load["warmup_clips"])
            + _load_settings(load),
        ),
        ("machine", "{cpu}, {cores} cores, {memory_gib} GiB, {system}, Python {python}".format(**machine)),
        ("gpu", "; ".join(_gpu(gpu) for gpu in machine.get("gpus", ()))),
        ("packages", _packages(here["packages"])),
        ("git", _git(words, here["git"]["sv_eval"])),
        (
            "hashes",
            ", ".join(f"{name} `{run[f'{name}_hash']}`" for name in ("config", "dataset", "scoring")),
        ),
        ("started", environment["started_at"]),
        ("policy", f"`{metrics['policy']}`"),
    ]
    return [(words(f"rows.{key}"), text) for key, text in rows if text]


def _load_settings(load: Mapping[str, Any]) -> str:
    """What the schedule was set to, beside its name."""
    told = ", language clip" if load.get("language") == "clip" else ""
    named = _LOAD_SETTINGS.get(load["schedule"], ())
    return told + "".join(f", {name} {cell(load[name])}" for name in named if load.get(name) is not None)


def _session(metrics: Mapping[str, Any], environment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The start of the run that the latency figures are from, with its machine, packages and git state."""
    number = metrics["latency_ms"]["session"]
    found = [session for session in environment["sessions"] if session["session"] == number]
    return found[-1] if found else environment


def _audio(words: Wording, run: Mapping[str, Any]) -> str:
    wall = words("wall_unknown") if run["wall_s"] is None else f"{run['wall_s']:.1f} s"
    return words("audio_line", minutes=f"{run['audio_s'] / 60:.1f}", n=run["n_clips"], wall=wall)


def _gpu(gpu: Mapping[str, str]) -> str:
    return f"{gpu['name']}, driver {gpu['driver_version']}, {gpu['clocks.sm']} of {gpu['clocks.max.sm']}"


def _packages(versions: Mapping[str, str]) -> str:
    names = [name for name in _PACKAGES_FIRST if name in versions]
    return ", ".join(f"{name} {versions[name]}" for name in names)


def _git(words: Wording, state: Mapping[str, Any] | None) -> str:
    if state is None:
        return words("no_git")
    return f"`{state['commit'][:12]}`" + (f" ({words('dirty')})" if state["dirty"] else "")


def _clusters(words: Wording, intervals: Mapping[str, Any]) -> str:
    return words(f"clusters.{intervals['clusters']}", n=intervals["n_clusters"]).strip()


def _method(words: Wording, intervals: Mapping[str, Any]) -> str:
    """How the interval of UAR was found."""
    return words(f"methods.{intervals['methods']['uar'] or 'none'}", resamples=intervals["resamples"])


def _confusion_rows(words: Wording, metrics: Mapping[str, Any]) -> list[tuple[str, Sequence[str]]]:
    """Rows of the confusion table; unscored references in brackets, zeros as a dot, the diagonal bold."""
    confusion = metrics["confusion"]
    rows: list[tuple[str, Sequence[str]]] = []
    for name, counts in zip(confusion["rows"], confusion["counts"], strict=True):
        title = words.emotion(name) if name in metrics["labels"] else f"({words.emotion(name)})"
        cells = [
            "·" if not count else f"**{count}**" if column == name else str(count)
            for column, count in zip(confusion["columns"], counts, strict=True)
        ]
        rows.append((title, cells))
    return rows


def _command(environment: Mapping[str, Any], rescored: Sequence[str]) -> str:
    overrides = environment.get("overrides") or []
    lines = [shlex.join(["python", "-m", "sv_eval", *overrides])]
    if rescored:
        lines.append(shlex.join(["python", "-m", "sv_eval.score", "RUN", *rescored]))
    return "\n".join(lines)


def _map(label_map: Mapping[str, Any]) -> str:
    return "{name} v{version} `{hash}`".format(**label_map)


def _code(text: str | None) -> str | None:
    return None if text is None else f"`{text}`"
