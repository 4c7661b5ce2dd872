"""What was read had arrived before, and the kernel knows when."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from sv_eval.backends.remote.arrival import StampedSocket, StampedSockets
from sv_eval.backends.remote.timeline import Timeline

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps what arrives")
_LAY_S = 0.05
_READINGS = 4


def by_copy(line: socket.socket) -> bytes:
    return line.recv(100)


def by_buffer(line: socket.socket) -> bytes:
    buffer = bytearray(100)
    return bytes(buffer[: line.recv_into(buffer)])


def by_part_of_a_buffer(line: socket.socket) -> bytes:
    buffer = bytearray(100)
    count = line.recv_into(buffer, 3)
    return bytes(buffer[:count])


@pytest.fixture
def sockets(arrivals_stamped: None) -> StampedSockets:
    return StampedSockets()


@pytest.fixture
def lines(sockets: StampedSockets) -> Iterator[tuple[StampedSocket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        here = sockets((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0)))
        here.connect(door.getsockname())
        there, _ = door.accept()
        with here, there:
            assert isinstance(here, StampedSocket)
            yield here, there


@pytest.mark.parametrize("read", [by_copy, by_buffer, by_part_of_a_buffer])
def test_the_stamp_is_of_the_arrival_and_not_of_the_reading(
    read: Callable[[socket.socket], bytes], lines: tuple[StampedSocket, socket.socket]
) -> None:
    here, there = lines
    stamped = 0
    for _ in range(_READINGS):
        before_s = time.perf_counter()
        there.sendall(b"yes")
        sent_s = time.perf_counter()
        time.sleep(_LAY_S)

        assert read(here) == b"yes"

        # The kernel leaves one out at times, and then nobody knows.
        if here.arrived_s is not None:
            stamped += 1
            # To a millisecond: the wall clock and the other one are read one after the other.
            assert before_s - 0.001 <= here.arrived_s <= sent_s + 0.001
    assert stamped >= _READINGS - 1


def test_each_reading_has_its_own(lines: tuple[StampedSocket, socket.socket]) -> None:
    here, there = lines
    there.sendall(b"1")
    by_copy(here)
    first_s = here.arrived_s
    time.sleep(_LAY_S)
    there.sendall(b"2")
    by_copy(here)

    assert first_s is not None
    assert here.arrived_s is not None
    assert here.arrived_s >= first_s + _LAY_S - 0.001


def test_the_end_has_no_stamp(lines: tuple[StampedSocket, socket.socket]) -> None:
    here, there = lines
    there.sendall(b"1")
    by_copy(here)
    there.close()

    assert by_copy(here) == b""
    assert here.arrived_s is None


def test_the_socket_beneath_a_transport_is_found(
    sockets: StampedSockets, lines: tuple[StampedSocket, socket.socket]
) -> None:
    here, there = lines

    async def look() -> None:
        here.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=here)
        there.setblocking(False)
        foreign, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=there)
        assert sockets.beneath(foreign) is None
        foreign.close()
        assert sockets.beneath(transport) is here
        assert sockets.beneath(None) is None
        transport.close()

    asyncio.run(look())


class FakeSocket:
    """Read from at a moment of our choosing."""

    def __init__(self, arrived_s: float | None) -> None:
        self.arrived_s = arrived_s


def test_what_lay_here_is_no_time_of_the_service() -> None:
    now = time.perf_counter()
    timeline = Timeline(sending_s=now - 0.5, sent_s=now - 0.4)
    timeline.has(FakeSocket(now - 0.3))
    timeline.head_came()
    timeline.has(FakeSocket(now - 0.2))
    timeline.all_came()

    assert timeline.stages_ms() == pytest.approx({"send": 100, "wait": 100, "receive": 100})
    assert timeline.outside_s >= 0.2


@pytest.mark.parametrize(
    "arrived_s", [None, -100.0, 100.0], ids=["no stamp", "of an answer before", "of a clock that was set"]
)
def test_without_a_stamp_that_can_be_it_counts_when_it_was_read(arrived_s: float | None) -> None:
    now = time.perf_counter()
    timeline = Timeline(sending_s=now - 0.1)
    timeline.has(FakeSocket(None if arrived_s is None else now + arrived_s))

    timeline.all_came()

    assert timeline.received_s is not None
    assert timeline.received_s >= now
    assert timeline.outside_s == 0.0
