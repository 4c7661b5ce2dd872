"""The wheel works by itself: from any directory, without torch, whatever lies in the working directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
WITHOUT_TORCH = (
    "import runpy, sys; sys.modules['torch'] = sys.modules['torchaudio'] = sys.modules['funasr'] = None; "
    "sys.argv[0] = 'sv_eval'; runpy.run_module('sv_eval', run_name='__main__', alter_sys=True)"
)


@pytest.fixture(scope="module")
def installed_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment into which a wheel built from this tree was installed.

    The dependencies are this environment's, so that nothing is downloaded; a path file lends them, which
    does not bring along the editable install of the checkout.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(REPOSITORY),
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=1800)
    (wheel,) = folder.glob("*.whl")
    home = folder / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    (packages,) = home.glob("lib/python*/site-packages")
    install = [
        sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--quiet", "--no-compile",
        "--target", str(packages), str(wheel),
    ]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True, timeout=1800)
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def test_a_sweep_runs_from_the_wheel(installed_python: Path, tmp_path: Path) -> None:
    command = [str(installed_python), "-m", "sv_eval", "-m", "backend=fake", "dataset=simulated"]
    command += ["dataset.simulated.n_clips=150", "backend.seed=1,2", "hydra.sweep.dir=swept"]

    done = subprocess.run(
        command, cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "backend.seed" in (tmp_path / "swept" / "sweep.md").read_text(encoding="utf-8")


def plain_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def test_the_demo_runs_beside_folders_that_bear_our_names(installed_python: Path, tmp_path: Path) -> None:
    for name in ("backends", "reports", "datasets"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"raise ImportError('the user\\'s own {name}')\n", encoding="utf-8"
        )
    command = [str(installed_python), "-c", WITHOUT_TORCH, "hydra.run.dir=run"]

    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["run"]["n_scored"] == metrics["run"]["n_clips"] > 150
    assert (tmp_path / "run" / "figures" / "confusion.svg").is_file()
    environment = json.loads((tmp_path / "run" / "environment.json").read_text(encoding="utf-8"))
    assert environment["dataset"]["name"] == "demo"


def test_nothing_of_the_wheel_lies_where_hugging_face_keeps_its_package(installed_python: Path) -> None:
    (packages,) = installed_python.parents[1].glob("lib/python*/site-packages")

    placed = {path.name for path in packages.iterdir() if path.is_dir() and "dist-info" not in path.name}
    # Hydra looks for plug-ins in a namespace package of this name, which several distributions share.
    assert placed - {"bin"} == {"sv_eval", "hydra_plugins"}
    assert not (packages / "hydra_plugins" / "__init__.py").exists()


def test_a_bare_import_is_light(installed_python: Path) -> None:
    check = (
        "import sys, sv_eval; heavy = {'numpy', 'hydra', 'pandas', 'scipy', 'sklearn', 'matplotlib', 'torch'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [str(installed_python), "-c", check],
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_the_service_runs_from_the_wheel(installed_python: Path, tmp_path: Path) -> None:
    program = WITHOUT_TORCH.replace("run_module('sv_eval'", "run_module('sv_eval.serve'")
    command = [str(installed_python), "-c", program, "serve.port=0", "serve.grpc_port=0"]
    process = subprocess.Popen(command, cwd=tmp_path, env=plain_environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        lines = [json.loads(process.stderr.readline()) for _ in range(2)]
        assert [line["event"] for line in lines] == ["listening", "ready"]
        for path, words in (("/", "Emotion from a voice"), ("/docs", "swagger"), ("/health/ready", "ready")):
            with urllib.request.urlopen(lines[0]["http"] + path, timeout=300) as answer:
                assert words in answer.read().decode()
    finally:
        process.terminate()
        assert process.wait(300) == 0
        process.stderr.close()


def test_a_remote_backend_is_whole_in_the_wheel(installed_python: Path, tmp_path: Path) -> None:
    command = [str(installed_python), "-m", "sv_eval", "backend=remote/generic", "backend.url=http://127.0.0.1:9/x"]
    described = ["backend.dialect.emotion=$.emotion"]

    done = subprocess.run(
        [*command, *described], cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, timeout=1800
    )

    # Everything was found; it is only that nobody listens there.
    assert done.returncode == 5, done.stderr
    assert "connection refused" in done.stderr


def test_the_program_of_pages_is_in_the_wheel_with_its_licences_and_without_its_sources(
    installed_python: Path,
) -> None:
    (page,) = installed_python.parents[1].glob("lib/python*/site-packages/sv_eval/reports/page")

    assert sorted(path.name for path in (page / "assets").iterdir()) == ["LICENSES.txt", "page.css", "page.js"]
    assert not (page / "front").exists()
