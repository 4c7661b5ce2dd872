"""What is said when something is not installed or can't be built."""

from __future__ import annotations

from pathlib import Path

import pytest

from sv_eval.config.building import build_backend, instantiated
from sv_eval.errors import ConfigError


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere.Backend", r"backend\._target_=nowhere\.Backend: can't be imported"),
        ("sv_eval.backends.fake.Nothing", "can't be imported"),
        ("collections.OrderedDict", "not a backend"),
    ],
)
def test_a_target_that_is_no_backend_is_named(target: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_backend({"_target_": target})


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What Python does to a module that imports what is not there.
    said = "No module named 'aiohttp'"
    (tmp_path / "backend_without_extra.py").write_text(f'raise ModuleNotFoundError("{said}", name="aiohttp")\n')
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigError, match=rf"{said}\); pip install 'sv-eval\[remote\]'"):
        instantiated({"_target_": "backend_without_extra.Backend"}, "backend")
