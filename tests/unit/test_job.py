"""What a job says when something is not installed or can't be built."""

from __future__ import annotations

import pytest

from sv_eval.errors import ConfigError
from sv_eval.job import build_backend, instantiated


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere.Backend", r"backend\._target_=nowhere\.Backend: can't be imported"),
        ("backends.fake.Nothing", "can't be imported"),
        ("collections.OrderedDict", "not a backend"),
    ],
)
def test_a_target_that_is_no_backend_is_named(target: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_backend({"_target_": target})


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def without_aiohttp(name: str, package: str | None = None) -> object:
        raise ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp")

    monkeypatch.setattr(importlib, "import_module", without_aiohttp)

    with pytest.raises(ConfigError, match=r"No module named 'aiohttp'\); pip install 'sv-eval\[remote\]'"):
        instantiated({"_target_": "backends.remote.backend.RemoteBackend"}, "backend")
