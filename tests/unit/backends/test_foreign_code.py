"""A model directory is weights and settings: what it asks to run is refused, or said and allowed."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from sv_eval.backends.foreign_code import code_of
from sv_eval.backends.local import LocalBackend
from sv_eval.backends.sensevoice.model_dir import bundled_model
from sv_eval.errors import ModelError


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the bundled model."""
    return Path(shutil.copytree(bundled_model(), tmp_path / "model"))


def change(directory: Path, **settings: Any) -> None:
    path = directory / "config.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**data, **settings}), encoding="utf-8")


def opened(directory: Path, **settings: Any) -> None:
    async def there_and_back() -> None:
        async with LocalBackend(model=str(directory), device="cpu", **settings):
            pass

    asyncio.run(there_and_back())


CODE = "from pathlib import Path\nPath(__file__).with_name('it_ran').touch()\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trust_remote_code": True, "remote_code": "./evil.py"}, "names code: ./evil.py"),
        ({"trust_remote_code": True}, "names code: model.py"),
        ({"remote_code": "http://127.0.0.1:9/evil.py"}, "names code: http://127.0.0.1:9/evil.py"),
        ({"vad_model": "someone/else"}, "loads another model: vad_model=someone/else"),
        ({"model": "LLMASR"}, "has a model of its own: LLMASR"),
        ({"tokenizer": "HuggingfaceTokenizer"}, "has a tokenizer of its own"),
        ({"frontend": "WhisperFrontend"}, "has a frontend of its own"),
        ({"init_param": "/elsewhere/model.pt"}, "takes weights from /elsewhere/model.pt"),
        ({"init_param": "../other/model.pt"}, "takes weights from ../other/model.pt"),
    ],
)
def test_what_a_directory_asks_to_run_is_refused_by_name(
    directory: Path, settings: dict[str, Any], said: str
) -> None:
    change(directory, **settings)

    with pytest.raises(ModelError, match="asks to run more than a model") as error:
        opened(directory)

    assert said in str(error.value)
    assert "backend.trust_remote_code=true" in str(error.value)


def test_code_runs_only_where_it_is_allowed_and_is_said_first(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = directory / "evil.py"
    code.write_text(CODE, encoding="utf-8")
    change(directory, trust_remote_code=True, remote_code=str(code))

    with pytest.raises(ModelError):
        opened(directory)
    assert not (directory / "it_ran").exists()
    opened(directory, trust_remote_code=True)

    assert (directory / "it_ran").exists()
    assert f"names code: {code}" in capsys.readouterr().err


def test_another_configuration_that_json_leads_to_is_looked_at_as_well(directory: Path) -> None:
    shutil.copy(directory / "config.yaml", directory / "other.yaml")
    change(directory, trust_remote_code=True)
    os.replace(directory / "config.yaml", directory / "evil.yaml")
    shutil.copy(directory / "other.yaml", directory / "config.yaml")
    metas = {"init_param": "model.pt", "config": "evil.yaml", "frontend_conf": {"cmvn_file": "am.mvn"}}
    (directory / "configuration.json").write_text(json.dumps({"file_path_metas": metas}), encoding="utf-8")

    with pytest.raises(ModelError, match=r"evil\.yaml names code"):
        opened(directory)


@pytest.mark.parametrize("name", ["/etc/passwd", "../other/model.pt", "a/../../b"])
def test_files_outside_the_directory_are_refused(directory: Path, name: str) -> None:
    (directory / "configuration.json").write_text(
        json.dumps({"file_path_metas": {"tokenizer_conf": {"bpemodel": name}}}), encoding="utf-8"
    )

    with pytest.raises(ModelError, match="leads out of the directory"):
        opened(directory)


class Runs:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self._mark), "w")


def test_weights_that_are_a_pickle_of_something_else_run_nothing(directory: Path, tmp_path: Path) -> None:
    mark = tmp_path / "it_ran"
    (directory / "model.pt").write_bytes(pickle.dumps({"state_dict": Runs(mark)}))

    with pytest.raises(ModelError, match="FunASR can't load it"):
        opened(directory)

    assert not mark.exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_the_bundled_model_asks_for_nothing() -> None:
    assert code_of(bundled_model()) == ()


@pytest.mark.parametrize(("name", "text"), [("config.yaml", "a: [1"), ("configuration.json", "{")])
def test_a_configuration_that_is_none_is_told(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text, encoding="utf-8")

    with pytest.raises(ModelError, match=f"{name}: can't be read"):
        code_of(directory)
