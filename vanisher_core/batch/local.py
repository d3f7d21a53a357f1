"""The processes of this machine: one thread each, pinned to a core each, models loaded once.

Two processes with one thread do nearly twice the work of one; one process with two threads does not. They are
started afresh (never forked), so that a parent's thread pools and locks are not inherited. A process that dies,
of too little memory say, takes nothing with it: its picture is tried once more in a new process, then reported.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Protocol

from vanisher_core import errors
from vanisher_core.batch.task import Job, Task
from vanisher_core.batch.work import Report
from vanisher_core.errors import VanisherError

TRIES = 2
"""Processes that a picture may take down before it is reported."""


class Engine(Protocol):
    """What does jobs; used as a context manager, so that nothing of it outlives the batch."""

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Report]]:
        """Does jobs in any order and gives each back with its report; can be called again.

        Raises:
            VanisherError: no job can be done at all (an unknown class, a missing device).
        """
        ...

    def close(self) -> None:
        """Ends all work at once."""
        ...


class WorkerDied(Exception):
    """A worker is gone; the text says how."""


class Worker:
    """One process; it gets ready while the caller goes on.

    Args:
        task: what all jobs share.
        core: the core to pin it to; None for none.
    """

    def __init__(self, task: Task, core: int | None) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "VANISHER_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vanisher_core.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("VANISHER_DEBUG") else subprocess.DEVNULL,
            env=environment,
        )
        self._first: dict[str, object] | None = {"task": task.as_dict(), "core": core}

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def do(self, job: Job) -> Report:
        """Does one job.

        Raises:
            WorkerDied: the process ended instead.
            VanisherError: the task cannot be done at all.
        """
        if self._first:
            answer, self._first = self._ask(self._first), None
            if not answer["ready"]:
                raise getattr(errors, answer["type"], VanisherError)(answer["message"])
        return self._ask(asdict(job))

    def _ask(self, values: dict[str, object]) -> Report:
        assert self._process.stdin and self._process.stdout
        line = b""
        with contextlib.suppress(OSError, ValueError):  # a broken pipe, or closed from another thread
            self._process.stdin.write(json.dumps(values).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if line.endswith(b"\n"):
            return json.loads(line)
        status = self._process.wait()
        if self._first and status > 0:  # not killed: it would not start the next time either
            raise VanisherError(
                f"a worker process cannot start (it ended with status {status}): run again with VANISHER_DEBUG=1 to "
                "see why"
            )
        raise WorkerDied(_ending(status))

    def close(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()


def _ending(status: int) -> str:
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        why = "; the system probably ran out of memory" if name == "SIGKILL" else ""
        return f"the process that worked on it was ended by {name}{why}"
    return f"the process that worked on it ended with status {status}"


class LocalEngine:
    """Workers of this machine.

    Args:
        task: what all jobs share.
        workers: how many processes.
    """

    def __init__(self, task: Task, workers: int) -> None:
        self._task = task
        self._cores = cores()
        self._workers: list[Worker | None] = [None] * workers
        self._closed = False

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Of the workers that run."""
        return [worker.pid for worker in self._workers if worker]

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Report]]:
        """See `Engine.run`."""
        waiting = iter(jobs)
        turn = threading.Lock()
        # bounded, so that workers wait for a slow reader instead of filling the memory
        done: queue.Queue[tuple[Job, Report] | BaseException | None] = queue.Queue(2 * len(self._workers))

        def serve(slot: int) -> None:
            try:
                while not self._closed:
                    with turn:
                        job = next(waiting, None)
                    if job is None:
                        break
                    done.put((job, self._tried(slot, job)))
            except BaseException as error:
                done.put(error)
            finally:
                done.put(None)

        threads = [
            threading.Thread(target=serve, args=(slot,), daemon=True) for slot in range(len(self._workers))
        ]
        for thread in threads:
            thread.start()
        left = len(threads)
        while left:
            answer = done.get()
            if answer is None:
                left -= 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer

    def _tried(self, slot: int, job: Job) -> Report:
        """The report of a job, in a new process if one dies of it."""
        reason = ""
        for _ in range(TRIES):
            worker = self._workers[slot]
            if worker is None:
                worker = self._workers[slot] = Worker(self._task, self._core(slot))
            try:
                return worker.do(job)
            except WorkerDied as death:
                reason = str(death)
                self._workers[slot] = None
                worker.close()
                if self._closed:
                    break
        return lost(reason, TRIES)

    def _core(self, slot: int) -> int | None:
        """Cores in turn; none where there are more workers than cores, since some would wait in vain."""
        return self._cores[slot] if len(self._workers) <= len(self._cores) else None

    def close(self) -> None:
        """See `Engine.close`."""
        self._closed = True
        for worker in self._workers:
            if worker:
                worker.close()
        self._workers = [None] * len(self._workers)


def lost(reason: str, tries: int) -> Report:
    """The report of a job that took its workers down."""
    sentence = (
        f"{reason}, {tries} times: try it alone (--only-failed --workers 1), or make the picture smaller"
    )
    return {"status": "failed", "error": {"type": "WorkerDied", "message": sentence}, "seconds": None}


def cores() -> list[int]:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
