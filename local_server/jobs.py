"""Jobs: what was asked for, how far it is, what came out; kept for a while, bounded in number and bytes."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from local_server.lane import Lane
from local_server.problems import Problem
from local_server.settings import Settings

State = Literal["queued", "running", "done", "failed", "cancelled"]
FINAL = ("done", "failed", "cancelled")

INTERACTIVE, LARGE, BATCH = 0, 1, 2
"""Who goes first: somebody waiting for a small picture, for a large one or a panorama, and nobody in particular."""

SMALL = 16 * 1024 * 1024
"""Bytes of a picture's file up to which a request counts as small."""

RECORDS = 500
"""Jobs remembered at most; the oldest finished ones are forgotten first."""

WAITING_BYTES = 4 * 1024**3
"""Bytes of the pictures of all jobs that wait; more are refused as when the queue is full."""


class Job:
    """One piece of work.

    Attributes:
        id: its name, unguessable.
        kind: what it is called outside: erase, panorama, segment ...
        task: what the worker calls it.
        folder: private folder with its files; `result` appears there.
        options: plain values for the worker.
        priority: INTERACTIVE, LARGE or BATCH.
        state, progress (0..1), text: how far it is.
        done: what the worker returned.
        problem: why it failed.
        finished: when, on the monotonic clock.
        forgotten: whether its result was dropped.
    """

    def __init__(self, kind: str, task: str, folder: Path, options: dict[str, Any], priority: int) -> None:
        self.id = f"j-{secrets.token_urlsafe(12)}"
        self.kind, self.task, self.folder, self.options, self.priority = kind, task, folder, options, priority
        self.state: State = "queued"
        self.progress, self.text = 0.0, "waiting"
        self.done: dict[str, Any] = {}
        self.problem: Problem | None = None
        self.created, self.started, self.finished = time.monotonic(), 0.0, 0.0
        self.stopping = self.expired = self.forgotten = False
        self.then: Callable[[Job], dict[str, Any]] | None = None
        self.input_bytes = self.result_bytes = 0
        self._tick = asyncio.Event()

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL

    @property
    def result(self) -> Path:
        """Its file, once done."""
        return self.folder / "result"

    def start(self) -> None:
        """The worker has it."""
        self.started = time.monotonic()
        self._change("running", 0.0, "starting")

    def report(self, progress: float, text: str) -> None:
        """The worker says how far it is."""
        self._change("running", max(self.progress, progress), text)

    def finish(self, values: dict[str, Any]) -> None:
        """The worker is done."""
        self.done = values
        if self.then is not None:
            self.done = values | self.then(self)
        self._end("done", "done")

    def fail(self, problem: Problem) -> None:
        """It came to nothing; a cancellation that was asked for is no failure."""
        if self.stopping and not self.expired:
            self._end("cancelled", "cancelled")
            return
        self.problem = problem
        self._end("failed", problem.detail)

    def cancel(self) -> None:
        """It was cancelled before it began."""
        self._end("cancelled", "cancelled")

    def _end(self, state: State, text: str) -> None:
        self.finished = time.monotonic()
        for name in ("image", "mask", "body"):
            (self.folder / name).unlink(missing_ok=True)
        self.input_bytes = 0
        if state == "done" and self.result.exists():
            self.result_bytes = self.result.stat().st_size
        self._change(state, 1.0 if state == "done" else self.progress, text)

    def _change(self, state: State, progress: float, text: str) -> None:
        self.state, self.progress, self.text = state, progress, text
        self.touch()

    def touch(self) -> None:
        """Wakes everybody who waits for a change."""
        tick, self._tick = self._tick, asyncio.Event()
        tick.set()

    @property
    def next_change(self) -> asyncio.Event:
        """Set at the next change; take it before reading, so that none is missed."""
        return self._tick

    async def ended(self) -> None:
        """Waits until nothing more will happen."""
        while not self.is_final:
            await self._tick.wait()

    def forget(self) -> None:
        """Drops its files."""
        self.forgotten, self.result_bytes = True, 0
        shutil.rmtree(self.folder, ignore_errors=True)


class Jobs:
    """All jobs of a daemon.

    Args:
        settings: how many and how long.
        spool: where job folders are made.
        lanes: "models" and "pictures", the workers.
        ended: called with every job that is final.
    """

    def __init__(
        self, settings: Settings, spool: Path, lanes: dict[str, Lane], ended: Callable[[Job], None]
    ) -> None:
        self._settings, self._spool, self._lanes, self._ended = settings, spool, lanes, ended
        self._kept: dict[str, Job] = {}
        self._keys: dict[str, tuple[str, str]] = {}

    def folder(self) -> Path:
        """A new private folder for one job."""
        path = self._spool / secrets.token_hex(12)
        path.mkdir(mode=0o700)
        return path

    def submit(self, job: Job, lane: str = "models", *, keep: bool = False) -> Job:
        """Queues a job.

        Raises:
            Problem: 503 with Retry-After when the queue is full, or while the daemon stops.
        """
        chosen = self._lanes[lane]
        job.input_bytes = sum(path.stat().st_size for path in job.folder.iterdir())
        waiting = sum(other.input_bytes for other in chosen.waiting)
        if (
            chosen.closed
            or len(chosen.waiting) >= self._settings.queue
            or waiting + job.input_bytes > max(WAITING_BYTES, self._settings.max_bytes)
        ):
            shutil.rmtree(job.folder, ignore_errors=True)
            seconds = chosen.expected_wait()
            raise Problem(
                503, f"{len(chosen.waiting)} jobs are waiting and no more fit; try again in {seconds} s.", "QueueFull",
                {"Retry-After": str(seconds)},
            )  # fmt: skip
        if keep:
            self._kept[job.id] = job
        chosen.add(job)
        return job

    async def finished(self, job: Job) -> Job:
        """Waits for a job; whoever stops waiting cancels it.

        Raises:
            Problem: it failed.
        """
        try:
            await job.ended()
        except asyncio.CancelledError:
            self.cancel(job)
            raise
        if job.problem is not None:
            raise job.problem
        if job.state == "cancelled":
            raise Problem.of_kind("Cancelled", "The job was cancelled.")
        return job

    def cancel(self, job: Job) -> None:
        """Takes a job out of the queue, or stops the worker at it."""
        for lane in self._lanes.values():
            lane.cancel(job)

    def find(self, name: str) -> Job:
        """A kept job.

        Raises:
            Problem: 404, there is none of that name.
        """
        job = self._kept.get(name)
        if job is None:
            raise Problem(404, "There is no such job; finished ones are forgotten after a while.")
        return job

    def place(self, job: Job) -> int:
        """How many jobs come before a waiting one."""
        return max((lane.place(job) for lane in self._lanes.values()), default=0)

    def all(self) -> list[Job]:
        """Kept jobs, oldest first."""
        return list(self._kept.values())

    def repeated(self, key: str, fingerprint: str) -> Job | None:
        """The job that an Idempotency-Key made before.

        Raises:
            Problem: 422, the key was used with another request.
        """
        name, seen = self._keys.get(key, ("", ""))
        job = self._kept.get(name)
        if job is None:
            return None
        if seen != fingerprint:
            raise Problem(422, "This Idempotency-Key was used with another request; make a new key for each.")
        return job

    def remember(self, key: str, fingerprint: str, job: Job) -> None:
        """Ties an Idempotency-Key to a job for as long as the job is kept."""
        self._keys[key] = (job.id, fingerprint)

    def on_end(self, job: Job) -> None:
        """Told by a lane about every job that is final."""
        self._ended(job)
        if job.id not in self._kept and (job.state != "done" or job.stopping):
            job.forget()  # whoever asked has been told, or has gone
        self.tidy()

    def tidy(self) -> None:
        """Forgets results that are too old or too many bytes, and records that are too many."""
        now = time.monotonic()
        final = [job for job in self._kept.values() if job.is_final]
        for job in final:
            if not job.forgotten and now - job.finished > self._settings.keep_seconds:
                job.forget()
        total = sum(job.result_bytes for job in final)
        for job in sorted(final, key=lambda job: job.finished):
            if total <= self._settings.keep_bytes:
                break
            total -= job.result_bytes
            job.forget()
        old = [job for job in final if now - job.finished > 4 * self._settings.keep_seconds]
        for job in {*old, *final[: max(0, len(self._kept) - RECORDS)]}:
            job.forget()
            self._kept.pop(job.id, None)
        self._keys = {key: value for key, value in self._keys.items() if value[0] in self._kept}


def fingerprint(folder: Path, kind: str, options: dict[str, Any]) -> str:
    """Names a request by what it asks: the contents of its files and its options."""
    digest = hashlib.sha256(repr((kind, sorted(options.items(), key=str))).encode())
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
