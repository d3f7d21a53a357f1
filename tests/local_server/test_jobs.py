"""Jobs of a real daemon: events, cancellation, idempotency, order, deaths of the worker, memory, idleness."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from local_server.client import Client, DaemonError
from tests.local_server.daemons import decoded, encoded, hole, picture, running

LARGE = encoded(picture(1600, 1200))


def wide_hole() -> bytes:
    """A mask whose erasure takes many seconds."""
    mask = np.zeros((1200, 1600), np.uint8)
    mask[200:1000, 300:1300] = 255
    return encoded(mask)


def long_job(client: Client) -> str:
    """A job that is certain to be running when this returns."""
    name = client.submit("erase", LARGE, mask=wide_hole(), model="exemplar")["id"]
    for job in client.events(name):
        if job["state"] == "running" and job["progress"] > 0:
            return name
        assert job["state"] in ("queued", "running"), job
    raise AssertionError("it never ran")


def workers(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


def has_left(process: psutil.Process) -> bool:
    """Whether a process has ended; in a container whose first process reaps nobody it stays as a zombie."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_events_lead_from_the_queue_to_the_result(client: Client) -> None:
    job = client.submit("erase", encoded(picture()), mask=encoded(hole()), model="exemplar")
    seen = list(client.events(job["id"]))
    assert seen[-1]["state"] == "done" and seen[-1]["progress"] == 1
    progress = [event["progress"] for event in seen]
    assert progress == sorted(progress)
    answer = client.result(job["id"])
    direct = client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar")
    assert answer.data == direct.data and answer.receipt == direct.receipt


def test_a_repeated_key_gives_the_same_job_and_a_misused_one_is_refused(client: Client) -> None:
    send = {"mask": encoded(hole()), "key": "holiday-17", "model": "exemplar"}
    first = client.submit("erase", encoded(picture()), **send)
    assert client.submit("erase", encoded(picture()), **send)["id"] == first["id"]
    with pytest.raises(DaemonError, match="another request"):
        client.submit("erase", encoded(picture(seed=1)), **send)


def test_a_panorama_in_the_queue_is_relit_on_request_and_a_photograph_never(client: Client) -> None:
    mask = np.zeros((128, 256), np.uint8)
    mask[60:76, 120:140] = 255
    send = {"mask": encoded(mask), "model": "exemplar"}
    relit = client.submit("panorama", encoded(picture(256, 128)), **send, key="salon-1", relight=True)
    with pytest.raises(DaemonError, match="another request"):
        client.submit("panorama", encoded(picture(256, 128)), **send, key="salon-1")
    answer = client.wait(relit["id"])
    assert answer.receipt is not None and answer.receipt["relight"] is True
    away = np.abs(np.arange(256) - 130)
    assert np.array_equal(decoded(answer.data)[:, away > 64], picture(256, 128)[:, away > 64])
    flat, also = (
        client.submit("erase", encoded(picture(256, 128)), mask=encoded(mask), relight=relight)["id"]
        for relight in (None, True)
    )
    assert client.wait(flat).data == client.wait(also).data


def test_a_running_job_is_cancelled_and_the_next_one_works(client: Client) -> None:
    name = long_job(client)
    client.cancel(name)
    assert list(client.events(name))[-1]["state"] == "cancelled"
    with pytest.raises(DaemonError, match="cancelled") as refused:
        client.result(name)
    assert refused.value.status == 409
    assert client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar").data


def test_somebody_who_waits_goes_before_the_batch(client: Client) -> None:
    running_, waiting = (
        long_job(client),
        [client.submit("erase", LARGE, mask=wide_hole(), model="exemplar")["id"] for _ in range(2)],
    )
    places = [client.job(name)["place"] for name in waiting]
    done = threading.Thread(
        target=client.erase, args=(encoded(picture()),), kwargs={"mask": encoded(hole()), "model": "exemplar"}
    )
    done.start()
    for _ in range(600):  # it has arrived when the batch has moved back a place; a busy machine takes a while
        if client.job(waiting[0])["place"] == 2:
            break
        time.sleep(0.05)
    client.cancel(running_)
    done.join()
    assert places == [1, 2]
    states = [client.job(name)["state"] for name in waiting]
    for name in waiting:
        client.cancel(name)
    assert "done" not in states and states[1] == "queued"


def test_a_client_that_hangs_up_cancels_its_request(client: Client) -> None:
    hasty = Client(client.address, timeout=1.0)
    with pytest.raises(DaemonError, match="does not answer"):
        hasty.erase(LARGE, mask=wide_hole(), model="exemplar")
    assert client.erase(
        encoded(picture()), mask=encoded(hole()), model="exemplar"
    ).data  # soon, not after the large one


def test_unknown_and_unfinished_jobs_have_no_result(client: Client) -> None:
    with pytest.raises(DaemonError) as unknown:
        client.result("j-0123456789abcdef")
    assert unknown.value.status == 404
    name = long_job(client)
    with pytest.raises(DaemonError, match="running") as early:
        client.request("GET", f"/v1/jobs/{name}/result")
    client.cancel(name)
    assert early.value.status == 409


def test_many_at_once_give_what_one_by_one_gives(client: Client) -> None:
    files = [encoded(picture(120, 90, seed)) for seed in range(6)]
    mask = encoded(hole(120, 90))
    alone = [client.erase(file, mask=mask, model="exemplar").data for file in files]
    together: dict[int, bytes] = {}

    def ask(index: int) -> None:
        together[index] = client.erase(files[index], mask=mask, model="exemplar").data

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[index] for index in range(len(files))] == alone


def test_a_killed_worker_fails_its_job_with_a_sentence_and_the_next_succeeds(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        name = long_job(daemon.client)
        (worker,) = workers(daemon.process.pid)
        worker.send_signal(signal.SIGKILL)
        last = list(daemon.client.events(name))[-1]
        assert last["state"] == "failed"
        assert "SIGKILL" in last["problem"]["detail"] and last["problem"]["status"] == 503
        assert daemon.client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar").data


def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    with running(tmp_path, queue=1) as daemon:
        long_job(daemon.client)
        daemon.client.submit("erase", LARGE, mask=wide_hole(), model="exemplar")
        with pytest.raises(DaemonError, match="try again in") as refused:
            daemon.client.submit("erase", LARGE, mask=wide_hole(), model="exemplar")
        assert refused.value.status == 503


def test_a_picture_over_the_memory_limit_is_refused_and_the_next_succeeds(tmp_path: Path) -> None:
    wide = np.zeros((9000, 12000), np.uint8)
    wide[:, :6000] = 255
    file = encoded(wide)
    with running(tmp_path, worker_memory=500 * 1024**2) as daemon:
        with pytest.raises(DaemonError, match="memory") as refused:
            daemon.client.erase(file, mask=file, model="exemplar")
        assert refused.value.status == 413
        assert daemon.client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar").data


def test_an_idle_worker_leaves_and_its_memory_goes_back(tmp_path: Path) -> None:
    with running(tmp_path, idle_seconds=1) as daemon:
        first = daemon.client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar").data
        (worker,) = workers(daemon.process.pid)
        psutil.wait_procs([worker])
        assert not workers(daemon.process.pid)
        assert daemon.client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar").data == first


def test_results_are_forgotten_after_a_while(tmp_path: Path) -> None:
    with running(tmp_path, keep_seconds=0.5) as daemon:
        job = daemon.client.submit("erase", encoded(picture()), mask=encoded(hole()), model="exemplar")
        assert len(decoded(daemon.client.wait(job["id"]).data)) == 120
        spool = daemon.state / "spool"
        while any(spool.iterdir()):
            time.sleep(0.1)
        with pytest.raises(DaemonError) as gone:
            daemon.client.request("GET", f"/v1/jobs/{job['id']}/result")
        assert gone.value.status in (404, 410)


def test_a_daemon_that_stops_takes_its_workers_and_files_along(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        name = long_job(daemon.client)
        family = workers(daemon.process.pid)
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(60) == 0
        assert name and not any(worker.is_running() for worker in family)
        assert not (daemon.state / "daemon.json").exists() and not (daemon.state / "spool").exists()


def test_a_killed_daemon_leaves_no_worker_behind_and_no_false_address(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        long_job(daemon.client)
        family = workers(daemon.process.pid)
        os.kill(daemon.process.pid, signal.SIGKILL)
        daemon.process.wait()
        while not all(has_left(worker) for worker in family):
            time.sleep(0.1)
        assert (daemon.state / "daemon.json").exists()
        with pytest.raises(DaemonError, match="No Vanisher daemon"):
            Client.find(daemon.state)
        token = daemon.client.address.token
    with running(tmp_path) as again:
        assert again.client.address.token == token
        assert again.client.get_json("/healthz")["status"] == "ok"
