"""The planted corpus, for tests that can't import their neighbours."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    """`planted.py`: pytest's importlib mode gives test folders no package."""
    name = "sv_eval_tests_planted"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("planted.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


PLANTED = _load()


@pytest.fixture(scope="session")
def planted() -> ModuleType:
    return PLANTED


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a defect gets each of them."""
    if "defect" in metafunc.fixturenames:
        metafunc.parametrize("defect", PLANTED.DEFECTS, ids=lambda defect: defect.__name__)
