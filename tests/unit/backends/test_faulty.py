"""The service with planted faults, as somebody starts it by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sv_eval.backends.faulty.__main__ import main
from sv_eval.backends.faulty.faults import FAULTS
from sv_eval.backends.faulty.reading import wav_of
from sv_eval.studies.certify.files import by_sndfile, chunk, wav


def test_help_tells_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    said = capsys.readouterr().out
    for fault in FAULTS.values():
        assert f"{fault.name} " in said
        assert fault.what in said


def test_a_fault_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["big_endiann"]) == 2
    assert "did you mean big_endian" in capsys.readouterr().err


def test_its_own_reader_finds_samples_behind_any_chunk() -> None:
    samples = np.linspace(-0.5, 0.5, 800, dtype=np.float32)
    plain, odd = wav_of(wav(samples)), wav_of(wav(samples, before=chunk(b"LIST", b"odd")))

    assert plain is not None
    assert odd is not None
    assert plain.data == odd.data
    assert plain.is_pcm_16
    assert wav_of(by_sndfile(samples, "FLAC")) is None
