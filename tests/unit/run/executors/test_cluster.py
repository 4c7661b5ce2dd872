"""A process joins a cluster once for all runs of a sweep, and leaves none behind."""

from __future__ import annotations

from typing import Any

import pytest

from sv_eval.errors import BackendLost
from sv_eval.run.executors.cluster import Cluster


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
def ray() -> FakeRay:
    return FakeRay()


@pytest.fixture
def cluster(ray: FakeRay) -> Cluster:
    return Cluster(lambda: ray)


def run(cluster: Cluster, address: str | None = None) -> None:
    cluster.join(address)
    cluster.leave()


def test_a_run_by_itself_joins_and_leaves(ray: FakeRay, cluster: Cluster) -> None:
    run(cluster)
    run(cluster, "there:6379")

    assert ray.said == ["join one of our own", "leave", "join there:6379", "leave"]


def test_the_runs_of_a_sweep_have_one_cluster(ray: FakeRay, cluster: Cluster) -> None:
    with cluster.kept():
        run(cluster)
        run(cluster)
        run(cluster)
        assert ray.said == ["join one of our own"]

    assert ray.said == ["join one of our own", "leave"]


def test_a_sweep_without_a_cluster_needs_no_ray() -> None:
    cluster = Cluster(lambda: pytest.fail("nobody asked for it"))

    with cluster.kept():
        pass


def test_another_address_is_another_cluster(ray: FakeRay, cluster: Cluster) -> None:
    with cluster.kept():
        run(cluster)
        run(cluster, "there:6379")

    assert ray.said == ["join one of our own", "leave", "join there:6379", "leave"]


def test_a_cluster_that_is_lost_is_not_kept(ray: FakeRay, cluster: Cluster) -> None:
    with cluster.kept():
        cluster.join(None)
        cluster.leave(lost=True)
        run(cluster)

    assert ray.said == ["join one of our own", "leave"] * 2


def test_a_cluster_that_somebody_else_started_is_left_alone(ray: FakeRay, cluster: Cluster) -> None:
    ray.up = True

    with cluster.kept():
        run(cluster)
        run(cluster, "there:6379")

    assert ray.said == []


def test_an_error_within_a_sweep_leaves_no_cluster_behind(ray: FakeRay, cluster: Cluster) -> None:
    def sweep() -> None:
        with cluster.kept():
            cluster.join(None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep()
    assert ray.said == ["join one of our own", "leave"]


def test_a_cluster_that_can_not_be_joined_is_named(ray: FakeRay, cluster: Cluster) -> None:
    ray.broken = True

    with pytest.raises(BackendLost, match=r"there:6379 can't be reached or started \(nobody there\)"):
        cluster.join("there:6379")
    assert not ray.up
