"""The same batch on a Ray cluster of two nodes, with pictures and results on a local s3 server."""

import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import psutil
import pytest

from tests.vanisher_core.batch_torture import Tree, build
from vanisher_core import cli
from vanisher_core.batch.local import LocalEngine
from vanisher_core.batch.stores import store
from vanisher_core.batch.task import Job, Settings, Task
from vanisher_core.batch.urls import UrlStore
from vanisher_core.errors import PhotoError, UsageError
from vanisher_core.photo import DEFAULT_LIMITS

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray, moto and botocore, not ours to mend

HEAD, OTHER = "127.0.0.2", "127.0.0.3"
"""Loopback addresses; not 127.0.0.1, which Ray replaces by the address under which other machines see this one."""
QUICK = ("--model", "exemplar", "--device", "cpu")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An s3 server of this machine with an empty bucket; addresses and keys as a user would set them."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3").mkdir("tour")
        yield "s3://tour"
    server.stop()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return build(tmp_path_factory.mktemp("cluster"), 14, seed=5)


@pytest.fixture(scope="module")
def cluster(bucket: str) -> Iterator[Any]:
    """Two nodes on this machine, one processor each, that know the bucket's address."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}
    nodes = Cluster(
        initialize_head=True, head_node_args={**small, "node_ip_address": HEAD, "include_dashboard": False}
    )
    nodes.add_node(**small, node_ip_address=OTHER)
    ray.init(address=nodes.address, _node_ip_address=HEAD, log_to_driver=False, logging_level=logging.ERROR)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


def upload(tree: Tree, bucket: str) -> None:
    system = fsspec.filesystem("s3")
    for folder in (tree.source, tree.masks):
        for name in tree.good:
            local = f"{name}.png" if folder == tree.masks else name
            system.put_file(str(folder / local), f"{bucket}/{folder.name}/{local}")


def local_results(tree: Tree, folder: Path) -> dict[str, bytes]:
    task = Task(Settings(model="exemplar", device="cpu", masks="named"), str(tree.source), str(folder), str(tree.masks),
                10**8, 10**8)  # fmt: skip
    target = store(str(folder))
    with LocalEngine(task, 1) as engine:
        for job, report in engine.run(Job(name, name, f"{name}.png") for name in tree.good):
            assert report["status"] == "done", report
            target.commit(job.key, job.output, replace=False)
    return {name: (folder / name).read_bytes() for name in tree.good}


def test_a_cluster_with_urls_gives_the_same_bytes_and_survives_the_loss_of_a_node(
    tree: Tree, bucket: str, cluster: Any, tmp_path: Path
) -> None:
    from vanisher_core.batch.cluster import RayEngine

    upload(tree, bucket)
    task = Task(Settings(model="exemplar", device="cpu", masks="named"), f"{bucket}/in", f"{bucket}/out",
                f"{bucket}/masks", 10**8, 10**8)  # fmt: skip
    target = store(task.target)
    done: list[str] = []
    with RayEngine(task, 2) as engine:

        def jobs() -> Iterator[Job]:
            for index, name in enumerate(tree.good):
                if index == 5:  # a whole node goes, with the job that runs on it
                    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
                if index == 9:  # and one process of the node that stays
                    os.kill(actors()[0], signal.SIGKILL)
                yield Job(name, name, f"{name}.png")

        for job, report in engine.run(jobs()):
            assert report["status"] == "done", report
            target.commit(job.key, job.output, replace=False)
            done.append(job.name)
    assert sorted(done) == sorted(tree.good)
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    for name, data in local_results(tree, tmp_path).items():
        assert system.cat_file(f"{bucket}/out/{name}") == data, name


def actors() -> list[int]:
    """Processes of Ray that run our actor."""
    mine = [process for process in psutil.process_iter(["cmdline", "pid"]) if process.info["cmdline"]]
    return [process.pid for process in mine if "ray::_Actor" in process.info["cmdline"][0]]


def test_the_command_takes_urls_keeps_its_record_here_and_goes_on(
    tree: Tree, bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upload(replace(tree, good=tree.good[:3]), bucket.replace("tour", "tour/more"))
    words = ["batch", f"{bucket}/more/in", f"{bucket}/more/out", "--masks", f"{bucket}/more/masks", *QUICK,
             "--workers", "1", "--state", str(tmp_path / "state")]  # fmt: skip
    assert cli.main([*words, "--limit", "2"]) == 0
    assert cli.main([*words, "--resume"]) == 0
    assert cli.main([*words, "--resume"]) == 0
    out = capsys.readouterr().out
    assert "done before                    3" in out
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    names = system.find(f"{bucket}/more/out")
    assert sorted(names) == sorted(f"tour/more/out/{name}" for name in tree.good[:3])
    assert len((tmp_path / "state" / "manifest.jsonl").read_text().splitlines()) == 3


def test_a_url_that_is_not_there_is_a_sentence(bucket: str) -> None:
    with pytest.raises(UsageError, match="gopher"):
        UrlStore("gopher://old/pictures")
    with pytest.raises(PhotoError, match="does not exist"):
        UrlStore(f"{bucket}/in").photo("gone.png", DEFAULT_LIMITS)
    assert list(UrlStore(f"{bucket}/nothing").files(frozenset())) == []


def test_a_url_store_keeps_the_rules_of_a_folder() -> None:
    place = UrlStore("memory://b1-rules")
    place.stage("k", b"one")
    assert place.staged("k") and not place.staged("other")
    place.commit("k", "s/a.png", replace=False)
    assert (place.size("s/a.png"), place.stamp("s/a.png").partition(":")[0]) == (3, "3")
    place.stage("k", b"two!")
    with pytest.raises(UsageError, match="exists already"):
        place.commit("k", "s/a.png", replace=False)
    place.commit("k", "s/a.png", replace=True)
    place.stage("left", b"over")
    place.clear_staging()
    place.look()
    assert [found.name for found in place.files(frozenset())] == ["s/a.png"] and place.size("s/a.png") == 4
    assert np.frombuffer(place._bytes("s/a.png", DEFAULT_LIMITS), np.uint8).size == 4
