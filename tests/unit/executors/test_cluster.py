"""A process joins a cluster once for all runs of a sweep, and leaves none behind."""

from __future__ import annotations

from typing import Any

import pytest

from sv_eval.errors import BackendLost
from sv_eval.executors import cluster
from sv_eval.executors.cluster import cluster_kept, join_cluster, leave_cluster


class FakeRay:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.up = False
        self.said: list[str] = []
        self.broken = False

    def is_initialized(self) -> bool:
        return self.up

    def init(self, **options: Any) -> None:
        if self.broken:
            raise ConnectionError("nobody there\nand more")
        self.up = True
        self.said.append(f"join {options.get('address', 'one of our own')}")

    def shutdown(self) -> None:
        self.up = False
        self.said.append("leave")


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setattr(cluster, "imported_ray", lambda: fake)
    monkeypatch.setattr(cluster, "_STATE", cluster._State())
    return fake


def run(address: str | None = None) -> None:
    join_cluster(address)
    leave_cluster()


def test_a_run_by_itself_joins_and_leaves(ray: FakeRay) -> None:
    run()
    run("there:6379")

    assert ray.said == ["join one of our own", "leave", "join there:6379", "leave"]


def test_the_runs_of_a_sweep_have_one_cluster(ray: FakeRay) -> None:
    with cluster_kept():
        run()
        run()
        run()
        assert ray.said == ["join one of our own"]

    assert ray.said == ["join one of our own", "leave"]


def test_a_sweep_without_a_cluster_needs_no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "imported_ray", lambda: pytest.fail("nobody asked for it"))

    with cluster_kept():
        pass


def test_another_address_is_another_cluster(ray: FakeRay) -> None:
    with cluster_kept():
        run()
        run("there:6379")

    assert ray.said == ["join one of our own", "leave", "join there:6379", "leave"]


def test_a_cluster_that_is_lost_is_not_kept(ray: FakeRay) -> None:
    with cluster_kept():
        join_cluster(None)
        leave_cluster(lost=True)
        run()

    assert ray.said == ["join one of our own", "leave"] * 2


def test_a_cluster_that_somebody_else_started_is_left_alone(ray: FakeRay) -> None:
    ray.up = True

    with cluster_kept():
        run()
        run("there:6379")

    assert ray.said == []


def test_an_error_within_a_sweep_leaves_no_cluster_behind(ray: FakeRay) -> None:
    def sweep() -> None:
        with cluster_kept():
            join_cluster(None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep()
    assert ray.said == ["join one of our own", "leave"]


def test_a_cluster_that_can_not_be_joined_is_named(ray: FakeRay) -> None:
    ray.broken = True

    with pytest.raises(BackendLost, match=r"there:6379 can't be reached or started \(nobody there\)"):
        join_cluster("there:6379")
    assert not ray.up
