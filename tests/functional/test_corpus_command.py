"""`python -m sv_eval.corpus` as a user meets it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sv_eval.cli.main import command
from tests.functional.inside import inside

main = command("corpus")


Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def corpus(tmp_path: Path) -> Call:
    """`corpus(*arguments)` is `python -m sv_eval.corpus ARGUMENTS` in the test's own folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return inside(*arguments, module="sv_eval.corpus", cwd=tmp_path)

    return run


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """A folder per emotion with noises that differ."""
    root = tmp_path / "große Stimmen"
    for seed, name in enumerate(f"{emotion}/s{n}.wav" for emotion in ("happy", "sad") for n in range(6)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(seed).uniform(-0.2, 0.2, 8_000)
        # A pause, as speech has them: without one it would be noise.
        samples[:2_000] *= 0.01
        soundfile.write(root / name, samples, 16_000)
    return root


def test_emodbs_recordings_pass_and_are_said_to_be_362_of_535(
    emodb_root: Path, tmp_path: Path, corpus: Call
) -> None:
    done = corpus("check", "emodb", f"root={emodb_root}", "out=found")

    assert done.returncode == 0, done.stderr
    assert "362 of 535 clips, 10 speakers, 17.0 min" in done.stdout
    assert re.search(r"at \d+ clips/s", done.stdout)
    result = json.loads((tmp_path / "found" / "audit.json").read_text(encoding="utf-8"))
    assert result["verdict"] == "pass"
    assert {finding["code"] for finding in result["findings"]} == {
        "counts_differ",
        "speaker_counts_differ",
        "texts_shared",
    }
    missing = {case["label"]: (case["found"], case["expected"]) for case in result["findings"][0]["cases"]}
    assert missing == {"E": (9, 46), "L": (9, 81), "A": (5, 69)}
    assert "362 of 535" in (tmp_path / "found" / "audit.md").read_text(encoding="utf-8")


def test_errors_fail_the_gate_unless_they_are_allowed(voices: Path, tmp_path: Path, corpus: Call) -> None:
    soundfile.write(voices / "sad" / "s3.wav", np.zeros(8_000), 16_000)
    (voices / "happy" / "s4.wav").write_bytes((voices / "happy" / "s5.wav").read_bytes()[:5_000])
    (voices / "hapy").mkdir()
    (voices / "sad" / "s0.wav").rename(voices / "hapy" / "s0.wav")

    failed = corpus("check", "folder", f"root={voices}", "out=a")
    allowed = corpus("check", "folder", f"root={voices}", "out=b", "check.allow=[silent,truncated,unknown_label]")

    assert (failed.returncode, allowed.returncode) == (3, 0), failed.stderr + allowed.stderr
    for result in (json.loads((tmp_path / name / "audit.json").read_text(encoding="utf-8")) for name in "ab"):
        cases = {finding["code"]: finding["cases"] for finding in result["findings"]}
        assert set(cases) == {"silent", "truncated", "unknown_label"}
        assert cases["silent"][0]["path"] == "sad/s3.wav"
        assert cases["truncated"][0]["path"] == "happy/s4.wav"
        assert cases["unknown_label"][0]["label"] == "hapy"
    assert "did you mean happy" in failed.stdout
    assert "error (allowed): 1 silent clips." in allowed.stdout


def test_the_report_speaks_chinese_and_settings_move_thresholds(voices: Path, tmp_path: Path, corpus: Call) -> None:
    done = corpus("check", "folder", f"root={voices}", "out=found", "report.language=zh", "check.shortest_s=0.6")

    assert done.returncode == 0, done.stderr
    assert "12 条录音短于 0.6 秒" in done.stdout
    assert "审计" in (tmp_path / "found" / "audit.md").read_text(encoding="utf-8")


def test_the_command_in_the_report_does_it_again(voices: Path, tmp_path: Path, corpus: Call) -> None:
    corpus("check", "folder", f"root={voices}", "out=found")
    again = (tmp_path / "found" / "audit.md").read_text(encoding="utf-8").split("```")[1].split(maxsplit=3)[3]

    done = corpus(*shlex.split(again))

    assert done.returncode == 0, done.stderr


def test_a_sample_and_a_manifest(voices: Path, tmp_path: Path, corpus: Call, call: Call) -> None:
    paths = corpus("sample", "folder", f"root={voices}", "per_emotion=2")
    copied = corpus("sample", "folder", f"root={voices}", "per_emotion=2", "out=few")
    written = corpus("manifest", "folder", f"root={voices}", "file=all.csv")

    named = [line.split("\t") for line in paths.stdout.splitlines()]
    assert [emotion for emotion, _ in named] == ["happy", "happy", "sad", "sad"]
    assert all(Path(path).is_file() for _, path in named)
    index = (tmp_path / "few" / "index.md").read_text(encoding="utf-8")
    linked = [tmp_path / "few" / path for path in re.findall(r"\(<(.*?)>\)", index)]
    assert [path.read_bytes() for path in linked] == [Path(path).read_bytes() for _, path in named]
    assert copied.returncode == 0
    read_it = written.stdout.splitlines()[1].partition("python -m sv_eval ")[2]
    done = call(*shlex.split(read_it), "backend=fake", "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]["n_clips"] == 12


def test_list_and_show(corpus: Call, emodb_root: Path) -> None:
    listed, shown = corpus("list"), corpus("show", "emodb", f"root={emodb_root}")

    assert re.search(r"emodb +de +535 +10 .*CC0-1\.0", listed.stdout)
    # As docs/corpora.md has them: speakers without names, and clips that are counted by speaker.
    assert re.search(r"m3ed +zh +24437 +626 ", listed.stdout)
    assert re.search(r"emovdb +en-US +7000 +4 ", listed.stdout)
    assert "some fold boredom into neutral" in " ".join(shown.stdout.split())
    assert re.search(r"\bA +fearful +5 +69\b", shown.stdout)
    assert "splits: test 136, train 226" in shown.stdout


def test_a_card_from_elsewhere_is_shown_and_checked(voices: Path, tmp_path: Path, corpus: Call) -> None:
    card = tmp_path / "mine"
    card.mkdir()
    (card / "dataset.yaml").write_text(
        "schema_version: 1\nname: mine\ntitle: My voices\nlicence: {id: CC0-1.0}\nsource: {how: Ask me.}\n"
        "layout: {kind: folder}\nlabels: {map: {happy: happy, sad: sad}}\nexpected: {happy: 6, sad: 6}\n"
    )

    shown = corpus("show", str(card))
    checked = corpus("check", str(card), f"root={voices}", "out=found")

    assert "My voices" in shown.stdout
    assert checked.returncode == 0, checked.stderr
    assert "12 of 12 clips" in checked.stdout
    assert json.loads((tmp_path / "found" / "audit.json").read_text())["dataset"]["name"] == "mine"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["chek", "emodb"], "'chek' is no command; did you mean check?"),
        (["check"], "check needs a corpus"),
        (["check", "root=."], "check needs a corpus"),
        (["check", "emobd", "root=."], "'emobd' is no corpus; did you mean emodb"),
        (["check", "./nowhere"], "there is no dataset.yaml"),
        (["check", "emodb"], "dataset.root isn't set"),
        (["check", "emodb", "root=/nowhere"], "/nowhere doesn't exist"),
        (["check", "emodb", "root="], "the folder's name is empty"),
        (["check", "emodb", "root=hollow"], "the folder is empty"),
        (["check", "demo", "rot=."], "rot is not a setting of check; did you mean root"),
        (
            ["check", "demo", "check.silence_db=-50"],
            "did you mean check.silence_dbfs?",
        ),
        (["check", "demo", "check.silence_dbfs=loud"], "should be a number"),
        (["check", "demo", "check.allow=[silnt]"], "did you mean silent"),
        (["check", "demo", "out=/proc/nowhere"], "/proc/nowhere"),
        (["check", "demo", "split=tset"], "has no such split"),
        (["manifest", "emodb", "root=hollow"], "the folder is empty"),
        (["manifest", "demo", "split=tset"], "has no such split"),
        (["check", "demo", "loudly"], "'loudly' is not understood"),
        (["sample", "demo", "per_emotion=0"], "give 1 or more"),
        (["sample", "demo", "out=."], "it isn't empty"),
        (["sample", "demo", "check.workers=2"], "is not a setting of sample"),
        (["manifest", "simulated"], "doesn't lie in files"),
        (["manifest", "demo", "file=/proc/nowhere/m.csv"], "/proc/nowhere/m.csv: can't be written"),
        (["show", "demo", "split"], "'split' is not understood"),
        (["list", "emodb"], "did you mean show emodb?"),
        (["validate"], "validate needs files"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line(
    words: list[str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hollow").mkdir()

    code = main(words)

    said = capsys.readouterr()
    assert code == 2
    assert named in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_audit_leaves_nothing_half(
    workers: int, tmp_path: Path, environment: dict[str, str]
) -> None:
    words = ("simulated", "simulated.n_clips=200000", f"workers={workers}", "out=found")
    process = subprocess.Popen(
        [sys.executable, "-m", "sv_eval.corpus", "check", *words],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # What a shell starts in the background has it ignored, and so would everything below.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        until = time.monotonic() + 600
        while time.monotonic() < until and not (tmp_path / "found").is_dir():
            time.sleep(0.05)
        time.sleep(2)  # so that it is in the middle; what is said is the same at any moment
        # As a terminal does: to all processes of the command.
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=600)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    assert process.returncode == 5, errors
    # Every ten seconds it says how far it is.
    said = [line for line in errors.splitlines() if "clips checked" not in line]
    assert said == ["sv_eval: interrupted; nothing was written, the same command begins again"]
    assert list((tmp_path / "found").iterdir()) == []


def test_nothing_asked_is_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    bare = capsys.readouterr().out
    assert main(["check", "--help"]) == 0

    assert capsys.readouterr().out == bare
    for words in ("check.allow", "silence_dbfs: -60.0", "per_emotion", "table", "emodb", "3 check found errors"):
        assert words in bare


def test_the_help_needs_neither_hydra_nor_numpy(environment: dict[str, str]) -> None:
    code = "import sys; from sv_eval.cli.main import main; main(['--help'], command='corpus'); "
    code += "sys.exit(any(name in sys.modules for name in ('hydra', 'numpy', 'rich', 'soundfile')))"

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
