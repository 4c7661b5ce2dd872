"""The class of a device: latency figures are only ever compared within one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, cast

from sv_eval.report.environment import DeviceClass


def device_class(name: str) -> DeviceClass | None:
    """What is known of a graphics processor of this name: class, compute capability, memory, bandwidth, peaks.

    None for one that the table does not hold.

    >>> [device_class(name)["class"] for name in ("Tesla T4", "NVIDIA A10", "NVIDIA A100-SXM4-80GB")]
    ['T4', 'A10', 'A100 80GB']
    """
    for row in _table():
        if re.search(row["match"], name):
            return cast("DeviceClass", {key: value for key, value in row.items() if key != "match"})
    return None


@cache
def _table() -> list[dict[str, Any]]:
    import yaml

    rows: list[dict[str, Any]] = yaml.safe_load(
        Path(__file__).with_name("devices.yaml").read_text(encoding="utf-8")
    )
    return rows
