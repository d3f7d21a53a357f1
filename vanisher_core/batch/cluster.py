"""The same batch on a Ray cluster (extra `cluster`): actors with models loaded once, one job each at a time.

`RAY_ADDRESS` names a cluster; without it, or with "local", Ray runs on this machine alone, on the loopback
interface, without its dashboard. Nothing is sent home (Ray's usage statistics are turned off). On several machines
source, target and masks must be reachable from all: a shared folder or URLs. The record stays with the batch.

An actor whose process or machine is lost is replaced, on whatever node has room, and its picture is done by
another one; a picture that takes down `TRIES` actors is reported.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from vanisher_core import errors
from vanisher_core.batch.local import lost
from vanisher_core.batch.task import Job, Task
from vanisher_core.batch.work import Report
from vanisher_core.errors import UsageError, VanisherError

TRIES = 3
"""Actors that a picture may take down before it is reported: one more than processes of one machine, since
machines come and go."""
STORE_BYTES = 128 << 20
"""Ray's object store on this machine: reports are small, pictures never pass through it."""


class _Actor:
    """What runs on the cluster."""

    def __init__(self, task: dict[str, Any]) -> None:
        from vanisher_core.batch.work import Processor, one_thread

        one_thread()
        self.problem: tuple[str, str] | None = None
        try:
            self._processor = Processor(Task.from_dict(task))
        except VanisherError as error:
            self.problem = type(error).__name__, str(error)

    def ready(self) -> tuple[str, str] | None:
        """None, or why no job can be done."""
        return self.problem

    def do(self, job: dict[str, Any]) -> Report:
        """Does a job."""
        return self._processor(Job(**job))


class RayEngine:
    """Actors of a Ray cluster.

    Args:
        task: what all jobs share.
        workers: how many actors; None: one for each processor of the cluster.

    Raises:
        UsageError: Ray is not installed.
    """

    def __init__(self, task: Task, workers: int | None) -> None:
        self._ray = ray = _ray()
        self._task = task
        self._ours = not ray.is_initialized()
        if self._ours:
            _start(ray, workers)
        there = int(ray.cluster_resources().get("CPU", 1))
        self.workers = workers or max(1, there)
        gpus = 1 if task.settings.device.startswith("cuda") else 0
        # a lost actor is replaced by hand, so that its job does not wait for it
        self._kind = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0, max_task_retries=0)(_Actor)
        self._starting: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Job]] = {}

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Report]]:
        """See `local.Engine.run`."""
        fresh = iter(jobs)
        again: deque[Job] = deque()
        deaths: dict[str, int] = {}
        while True:
            # back-pressure: no more jobs in flight than there are actors to do them
            self._hand_out(fresh, again)
            if not (self._busy or again):  # no actor is free yet, or nothing is left
                job = next(fresh, None)
                if job is None:
                    return
                again.append(job)
            self._replace_lost()
            pending = [*self._busy, *self._starting]
            ready, _ = self._ray.wait(pending, num_returns=1, timeout=5)
            for ref in ready:
                yield from self._took(ref, again, deaths)

    def _hand_out(self, fresh: Iterator[Job], again: deque[Job]) -> None:
        while self._idle:
            job = again.popleft() if again else next(fresh, None)
            if job is None:
                return
            actor = self._idle.pop()
            self._busy[actor.do.remote(asdict(job))] = actor, job

    def _replace_lost(self) -> None:
        """Starts actors until there are as many as were asked for."""
        missing = self.workers - len(self._idle) - len(self._busy) - len(self._starting)
        for _ in range(missing):
            actor = self._kind.remote(self._task.as_dict())
            self._starting[actor.ready.remote()] = actor

    def _took(self, ref: Any, again: deque[Job], deaths: dict[str, int]) -> Iterator[tuple[Job, Report]]:
        """What an answer means: an actor is ready or gone, a job done or lost."""
        actor, job = self._busy.pop(ref, (None, None))
        actor = actor or self._starting.pop(ref)
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            if job is None:
                self._failed_start(error)
                return
            deaths[job.name] = deaths.get(job.name, 0) + 1
            if deaths[job.name] < TRIES:
                again.append(job)
            else:
                yield job, lost(_reason(error), TRIES)
            return
        self._idle.append(actor)
        if job is not None:
            yield job, answer
        elif answer is not None:
            raise getattr(errors, answer[0], VanisherError)(answer[1])

    def _failed_start(self, error: Exception) -> None:
        """An actor that was lost with its node is replaced; one whose start raises would raise again."""
        if not isinstance(
            error, (self._ray.exceptions.ActorDiedError, self._ray.exceptions.ActorUnavailableError)
        ):
            raise VanisherError(f"Ray cannot start a worker: {_reason(error)}") from error
        if "creation task" in str(error):
            raise VanisherError(
                f"a worker cannot start on the cluster: {_reason(error)}. Install the same Vanisher on every node"
            ) from error

    def close(self) -> None:
        """See `local.Engine.close`."""
        actors = [*self._idle, *self._starting.values(), *(actor for actor, _ in self._busy.values())]
        if self._ray.is_initialized():
            for actor in actors:
                self._ray.kill(actor)
            if self._ours:
                self._ray.shutdown()
        self._idle, self._starting, self._busy = [], {}, {}


def _ray() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before the import, which looks at it
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise UsageError(
            "--engine ray needs Ray, which is not installed: pip install 'vanisher[cluster]', or leave it out to use "
            "the processes of this machine"
        ) from None
    return ray


def _start(ray: Any, workers: int | None) -> None:
    """Joins the cluster of RAY_ADDRESS, or starts Ray on this machine alone."""
    address = os.environ.get("RAY_ADDRESS", "")
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address not in ("", "local"):
        ray.init(address=address, **quiet)
        return
    ray.init(
        address="local", num_cpus=workers, include_dashboard=False, object_store_memory=STORE_BYTES,
        _node_ip_address="127.0.0.1", **quiet,
    )  # fmt: skip


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(islice(lines, 2))[:300] or type(error).__name__
