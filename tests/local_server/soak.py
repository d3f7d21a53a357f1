"""Soak: many jobs from several clients with random cancellations; `python -m tests.local_server.soak --jobs 500`.

Every job must end, every finished one must hold the bytes that the same request gives alone, and the memory of the
daemon and its workers must not grow after the warm-up.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from local_server.client import Client, DaemonError
from tests.local_server.daemons import Daemon, encoded, hole, picture, running

SIZES = ((96, 64), (160, 120), (320, 240), (640, 480))
WARM_UP = 0.2
"""Share of the jobs after which memory is first read."""


@dataclass
class Report:
    """What a soak saw; memory in bytes, of the daemon and of its workers, at the end of warm-up and of all."""

    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    daemon: tuple[int, int] = (0, 0)
    workers: tuple[int, int] = (0, 0)

    @property
    def drift(self) -> float:
        """Growth of the sum after warm-up, as a share."""
        before, after = (self.daemon[index] + self.workers[index] for index in (0, 1))
        return after / before - 1


def soak(daemon: Daemon, jobs: int, clients: int, seed: int = 0) -> Report:
    """Sends jobs from several threads to a running daemon and compares what comes back."""
    report, lock = Report(), threading.Lock()
    requests = [(encoded(picture(*size)), encoded(hole(*size))) for size in SIZES]
    truth = [daemon.client.erase(image, mask=mask, model="exemplar").data for image, mask in requests]
    numbers = iter(range(jobs))
    warm, before = threading.Event(), []

    def work(index: int) -> None:
        chance = random.Random(seed * 1000 + index)
        while True:
            with lock:
                number = next(numbers, None)
                if number is not None and number >= jobs * WARM_UP and not warm.is_set():
                    warm.set()
                    before.extend(_memory(daemon))
            if number is None:
                return
            which = chance.randrange(len(requests))
            state, complaint = _one(daemon.client, requests[which], truth[which], chance)
            with lock:
                report.ends[state] += 1
                if complaint:
                    report.wrong.append(f"job {number}: {complaint}")

    threads = [threading.Thread(target=work, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    daemon.client.erase(
        requests[-1][0], mask=requests[-1][1], model="exemplar"
    )  # a worker is up, whatever was killed
    after = _memory(daemon)
    report.daemon, report.workers = (before[0], after[0]), (before[1], after[1])
    return report


def _one(
    client: Client, request: tuple[bytes, bytes], truth: bytes, chance: random.Random
) -> tuple[str, str]:
    """One job to its end: its state, and what was wrong with it."""
    image, mask = request
    way = chance.random()
    try:
        if way < 0.3:
            data = client.erase(image, mask=mask, model="exemplar").data
            return "answered", "" if data == truth else "another result than alone"
        job = client.submit("erase", image, mask=mask, model="exemplar")
        if way < 0.6:
            threading.Event().wait(chance.random())
            client.cancel(job["id"])
        last = list(client.events(job["id"]))[-1]
        if last["state"] == "done" and way >= 0.6:
            data = client.result(job["id"]).data
            client.cancel(job["id"])
            return "done", "" if data == truth else "another result than alone"
        fine = last["state"] in ("done", "cancelled")
        return last["state"], "" if fine else str(last["problem"])
    except DaemonError as error:
        return "refused", "" if error.status == 503 else f"{error.status} {error}"


def _memory(daemon: Daemon) -> tuple[int, int]:
    """Resident bytes of the daemon and of its workers together."""
    process = psutil.Process(daemon.process.pid)
    return process.memory_info().rss, sum(child.memory_info().rss for child in process.children())


def main() -> int:
    """Starts a daemon, soaks it, prints what was seen; 1 if a job was lost or wrong or memory drifted by 5 %."""
    parser = argparse.ArgumentParser(description="Soak test of the daemon")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as daemon:
        report = soak(daemon, arguments.jobs, arguments.clients)
    mib = np.array([report.daemon, report.workers]) / 2**20
    print(
        f"{sum(report.ends.values())} jobs: {dict(report.ends)}; {len(report.wrong)} wrong {report.wrong[:5]}"
    )
    print(f"daemon {mib[0, 0]:.1f} -> {mib[0, 1]:.1f} MiB, workers {mib[1, 0]:.1f} -> {mib[1, 1]:.1f} MiB, "
          f"drift {report.drift:+.1%}")  # fmt: skip
    return 1 if report.wrong or report.drift > 0.05 or sum(report.ends.values()) != arguments.jobs else 0


if __name__ == "__main__":
    sys.exit(main())
