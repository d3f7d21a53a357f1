"""One worker process and the queue before it, seen from the daemon's event loop.

The worker is started when there is work and leaves when there was none for a while, so that its memory really
goes back. It may die: the job at hand then fails with a sentence, and the next one gets a new worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_server import memory, protocol
from local_server.problems import Problem
from local_server.settings import Settings

if TYPE_CHECKING:
    from local_server.jobs import Job

log = logging.getLogger("vanisher.daemon")

HOME = str(Path(__file__).parents[1])
"""Where this package lies: a worker must find the same one, installed or not."""

LEAVE_SECONDS = 3.0
"""A worker that was told to leave has this long before it is ended."""

DYING_SECONDS = 1.0
"""A worker whose pipe has ended has this long to die; killing it earlier would lose the reason."""

FIRST_GUESS = 5.0
"""Seconds a job takes, before any has been seen."""


class Lane:
    """A priority queue served by one worker process.

    Args:
        name: for logs and metrics.
        settings: limits and times.
        ended: called with every job that is final.
    """

    def __init__(self, name: str, settings: Settings, ended: Callable[[Job], None]) -> None:
        self.name, self._settings, self._ended = name, settings, ended
        self._heap: list[tuple[int, int, Job]] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._running: Job | None = None
        self._worker: asyncio.subprocess.Process | None = None
        self._typical = FIRST_GUESS
        self.closed = False
        self.starts = self.deaths = 0
        self.memory = 0

    @property
    def waiting(self) -> list[Job]:
        """Jobs in the queue, in the order in which they will be done."""
        return [job for _, _, job in sorted(self._heap, key=lambda entry: entry[:2])]

    @property
    def running(self) -> Job | None:
        """The job at hand."""
        return self._running

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one."""
        return None if self._worker is None or self._worker.returncode is not None else self._worker.pid

    def resident(self) -> int:
        """Bytes that the worker takes now; 0 without one."""
        return memory.resident(self.pid) if self.pid else 0

    def place(self, job: Job) -> int:
        """How many jobs come before this one; 0 if it is not waiting here."""
        waiting = self.waiting
        return waiting.index(job) + (self._running is not None) if job in waiting else 0

    def expected_wait(self) -> int:
        """Whole seconds until a place in the queue may be free."""
        return min(600, max(1, math.ceil(self._typical)))

    def add(self, job: Job) -> None:
        """Puts a job into the queue."""
        heapq.heappush(self._heap, (job.priority, next(self._order), job))
        self._wake.set()

    def cancel(self, job: Job) -> None:
        """Takes a job out of the queue, or asks the worker to stop and ends it if it does not react."""
        if any(other is job for _, _, other in self._heap):
            self._heap = [entry for entry in self._heap if entry[2] is not job]
            heapq.heapify(self._heap)
            job.cancel()
            self._ended(job)
            self._tell_places()
        elif job is self._running and not job.stopping:
            job.stopping = True
            self._send({"cancel": job.id})
            loop = asyncio.get_running_loop()
            loop.call_later(self._settings.cancel_seconds, self._end_worker_of, job)

    async def run(self) -> None:
        """Serves the queue until it is cancelled; then the worker leaves."""
        try:
            while True:
                self._running = await self._next()
                job = self._running
                self._tell_places()
                try:
                    await self._perform(job)
                except asyncio.CancelledError:
                    self._stopped(job)
                    raise
                except Exception as error:  # a bug here must not stop the queue
                    log.error("lane %s", self.name, exc_info=error)
                    await self._end_worker()
                    job.fail(Problem.of_kind("WorkerDied", "The worker could not be used; try again."))
                finally:
                    self._running = None
                    if job.is_final:
                        self._ended(job)
        finally:
            self.closed = True
            for job in self.waiting:
                self._stopped(job)
            self._heap.clear()
            await self._let_go()

    def _stopped(self, job: Job) -> None:
        if not job.is_final:
            job.fail(Problem(503, "Vanisher is being stopped; send it again once it runs.", "Stopping"))

    async def _next(self) -> Job:
        """The next job; a worker that waits for one too long is let go."""
        while not self._heap:
            self._wake.clear()
            patience = self._settings.idle_seconds if self._worker is not None else None
            try:
                await asyncio.wait_for(self._wake.wait(), patience)
            except TimeoutError:
                log.info("worker %s idle, let go", self.name)
                await self._let_go()
        return heapq.heappop(self._heap)[2]

    async def _perform(self, job: Job) -> None:
        """Sends one job to the worker and follows it to its end."""
        worker = await self._ready()
        job.start()
        self._send({"id": job.id, "task": job.task, "folder": str(job.folder), "options": job.options})
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._settings.job_seconds, self._expire, job)
        try:
            while (message := await self._received(worker)) is not None:
                if message.get("id") == job.id and self._heard(job, message):
                    self._typical = 0.8 * self._typical + 0.2 * (time.monotonic() - job.started)
                    return
            self.deaths += 1
            job.fail(await self._post_mortem(job))
        finally:
            timer.cancel()

    async def _received(self, worker: asyncio.subprocess.Process) -> protocol.Message | None:
        assert worker.stdout is not None
        try:
            return await protocol.receive(worker.stdout)
        except protocol.ProtocolError as error:
            log.error("worker %s: %s", self.name, error)
            return None

    def _heard(self, job: Job, message: protocol.Message) -> bool:
        """Passes one message on; True if it was the last of this job."""
        if "progress" in message:
            if not job.stopping:
                job.report(float(message["progress"]), str(message.get("text", "")))
            return False
        self.memory = int(message.get("memory", 0))
        if "done" in message:
            job.finish(message["done"])
        else:
            failed: dict[str, Any] = message["failed"]
            job.fail(Problem.of_kind(str(failed["kind"]), str(failed["message"])))
        return True

    async def _ready(self) -> asyncio.subprocess.Process:
        """The worker, started if there is none."""
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        self.starts += 1
        # -P: no module from the folder that the daemon happens to be started in
        self._worker = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "local_server.worker",
            "--device", self._settings.device, "--memory", str(self._settings.worker_memory),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([HOME, *filter(None, [os.environ.get("PYTHONPATH")])])},
        )  # fmt: skip
        return self._worker

    def _send(self, message: protocol.Message) -> None:
        if self._worker is not None and self._worker.stdin is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._worker.stdin.write(protocol.packed(message))

    def _expire(self, job: Job) -> None:
        if job is self._running and not job.is_final:
            job.expired = True
            self._kill()

    def _end_worker_of(self, job: Job) -> None:
        if job is self._running and not job.is_final:
            log.info("worker %s did not react to a cancellation, ended", self.name)
            self._kill()

    def _kill(self) -> None:
        if self.pid is not None and self._worker is not None:
            with contextlib.suppress(ProcessLookupError):
                self._worker.kill()

    async def _end_worker(self, patience: float = 0.0) -> int | None:
        """Ends the worker, and waits a moment first where it may be dying by itself; its exit status."""
        if self._worker is not None and patience:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._worker.wait(), patience)
        self._kill()
        status = None if self._worker is None else await self._worker.wait()
        self._worker, self.memory = None, 0
        return status

    async def _post_mortem(self, job: Job) -> Problem:
        """Why the worker died in a job, as a sentence."""
        status = await self._end_worker(DYING_SECONDS)
        log.warning("worker %s died, status %s", self.name, status)
        if job.expired:
            text = f"The job took longer than {self._settings.job_seconds:g} s and was stopped: use a smaller picture."
            return Problem.of_kind("JobTimeout", text)
        if status == memory.LIMIT_EXIT:
            return Problem.of_kind(
                "LimitExceeded",
                f"This picture needs more memory than the worker may take ({self._settings.worker_memory:,} bytes): "
                "use a smaller one, or raise VANISHER_WORKER_MEMORY.",
            )
        how = f"signal {signal.Signals(-status).name}" if status and status < 0 else f"status {status}"
        return Problem.of_kind(
            "WorkerDied", f"The worker process died in the middle of this job ({how}); the next job gets a new one. "
            "Try again.",
        )  # fmt: skip

    async def _let_go(self) -> None:
        """Closes the worker's pipe, upon which it leaves; ends it if it does not."""
        worker = self._worker
        if worker is None:
            return
        if worker.stdin is not None:
            worker.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(worker.wait(), LEAVE_SECONDS)
        await self._end_worker()

    def _tell_places(self) -> None:
        for job in self.waiting:
            job.touch()
