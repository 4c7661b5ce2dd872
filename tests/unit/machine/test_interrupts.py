"""Ctrl-C is never lost in a callback of a C library's, and never comes twice."""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from sv_eval.data.audio.decoding import read_track
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audio.mono import MonoTrack
from sv_eval.data.audio.sndfile import decode_sndfile
from sv_eval.data.corpus.simulated import SilenceSource
from sv_eval.machine.interrupts import interrupts_held
from sv_eval.records import Clip


@pytest.fixture(autouse=True)
def interrupts_heard() -> Iterator[None]:
    """Where the tests were started in the background, interrupts are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_comes_once_and_at_the_end() -> None:
    reached = []

    def work() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            reached.append("end")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached == ["end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_does_not_hide_the_interrupt() -> None:
    def work() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("of the work")

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert isinstance(caught.value.__context__, ValueError)


def test_another_handler_hears_of_it_afterwards() -> None:
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))

    with interrupts_held():
        signal.raise_signal(signal.SIGINT)
        assert heard == []

    assert heard == [signal.SIGINT]


def test_an_ignored_interrupt_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with interrupts_held():
        signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_work_unchanged() -> None:
    done: list[object] = []

    def work() -> None:
        with interrupts_held():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert done == [signal.default_int_handler]


def silence(samples: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(samples, np.float32), 16_000, format="WAV")
    return file.getvalue()


def test_an_interrupt_within_a_decoder_s_callback_is_heard() -> None:
    class Interrupted(io.BytesIO):
        seeks = 0

        def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
            self.seeks += 1
            # The first is ours, before libsndfile is called.
            if self.seeks == 2:
                signal.raise_signal(signal.SIGINT)
            return super().seek(offset, whence)

    file, track = Interrupted(silence(1600)), MonoTrack("here", AudioLimits())

    def work() -> None:
        with interrupts_held():
            decode_sndfile(file, "here", track)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert file.seeks > 2
    assert len(track.samples()) == 1600


def test_a_clip_is_decoded_to_its_end_before_an_interrupt_is_heard() -> None:
    blocks: list[int] = []

    class Interrupted(MonoTrack):
        def add(self, block: Any, rate_hz: int) -> None:
            if not blocks:
                signal.raise_signal(signal.SIGINT)
            blocks.append(len(block))
            super().add(block, rate_hz)

    limits = AudioLimits()
    with pytest.raises(KeyboardInterrupt):
        read_track(silence(100_000), lambda name: Interrupted(name, limits), limits)
    assert len(blocks) > 1
    assert sum(blocks) == 100_000


def test_an_interrupt_while_silence_is_encoded_comes_once_that_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    write, ended = soundfile.write, []

    def interrupted(*arguments: Any, **named: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        write(*arguments, **named)
        ended.append(arguments)

    monkeypatch.setattr(soundfile, "write", interrupted)

    with pytest.raises(KeyboardInterrupt):
        SilenceSource(2.0).encoded(Clip(id="a", start_s=0.0, end_s=1.0))
    assert len(ended) == 1
