"""A picture of docker/grafana/dashboard.json: its own queries asked of a Prometheus, drawn by matplotlib.

Grafana itself is in no package archive that this project builds from; what it would show of the same queries is
here: python tests/draw_dashboard.py http://127.0.0.1:9090 OUT.png [SECONDS]. Start a service with thresholds, the
Prometheus of docker/, and some load (python -m sv_eval load=poisson ...) first.
"""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

BOARD = Path(__file__).resolve().parents[1] / "docker" / "grafana" / "dashboard.json"
STEP_S = 2


def series(url: str, query: str, seconds: int) -> list[dict[str, Any]]:
    """What a query gives over the last seconds."""
    now = time.time()
    words = {"query": query, "start": now - seconds, "end": now, "step": STEP_S}
    with urllib.request.urlopen(f"{url}/api/v1/query_range?{urllib.parse.urlencode(words)}", timeout=30) as found:
        rows: list[dict[str, Any]] = json.load(found)["data"]["result"]
    return rows


def _named(template: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), template)


def main(url: str, out: str, seconds: str = "120") -> None:
    """Draw it."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    panels = json.loads(BOARD.read_text(encoding="utf-8"))["panels"]
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    figure = Figure(figsize=(12, bottom * 0.36))
    for panel in panels:
        place = panel["gridPos"]
        left, low = place["x"] / 24, 1 - (place["y"] + place["h"]) / bottom
        width, height = place["w"] / 24, place["h"] / bottom
        axes = figure.add_axes((left + 0.045, low + 0.025, width - 0.06, height - 0.05))
        axes.set_title(panel["title"], fontsize=9, loc="left")
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "20s").replace("$__range", f"{seconds}s")
            for one in series(url, query, int(seconds)):
                told = _named(target["legendFormat"], one["metric"])
                points = [(float(at), float(value)) for at, value in one["values"]]
                if panel["type"] == "stat":
                    axes.text(0.5, 0.45, f"{points[-1][1]:.3g}", ha="center", va="center", fontsize=20)
                else:
                    axes.plot(
                        [at - points[-1][0] for at, _ in points], [value for _, value in points],
                        label=told, linewidth=1.2,
                    )  # fmt: skip
        if panel["type"] == "stat":
            axes.set_axis_off()
        else:
            axes.tick_params(labelsize=7)
            axes.set_ylim(bottom=0)
            axes.spines[["top", "right"]].set_visible(False)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(fontsize=6, frameon=False, ncols=3, loc="upper left")
    figure.savefig(out, dpi=75)


if __name__ == "__main__":
    main(*sys.argv[1:])
