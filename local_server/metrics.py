"""Figures for Prometheus at `/metrics`, and one structured line per request in the log; no picture content."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_server import memory
from local_server.problems import unexpected

if TYPE_CHECKING:
    from local_server.jobs import Job
    from local_server.lane import Lane
    from local_server.sessions import Sessions

log = logging.getLogger("vanisher.daemon")

BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of every answer: no browser may guess a type, tell others where it was, or embed a picture elsewhere."""


class Metrics:
    """Counters and histograms of one daemon; gauges are read when somebody looks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "vanisher_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "vanisher_request_seconds", "Seconds from head to last byte", ("route",), buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._jobs = Counter("vanisher_jobs", "Jobs ended", ("kind", "state"), registry=self.registry)
        self._job_seconds = Histogram(
            "vanisher_job_seconds",
            "Seconds in the worker",
            ("kind",),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def watch(self, lanes: dict[str, Lane], sessions: Sessions) -> None:
        """Adds the gauges of queues, workers and sessions."""
        self.registry.register(_Gauges(lanes, sessions))  # type: ignore[arg-type]

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def job(self, job: Job) -> None:
        """One job is final."""
        self._jobs.labels(job.kind, job.state).inc()
        if job.started:
            self._job_seconds.labels(job.kind).observe(job.finished - job.started)

    def text(self) -> bytes:
        """Prometheus's text format."""
        return generate_latest(self.registry)


class _Gauges:
    """What is read at the moment of a scrape."""

    def __init__(self, lanes: dict[str, Lane], sessions: Sessions) -> None:
        self._lanes, self._sessions = lanes, sessions

    def collect(self) -> Iterator[Metric]:
        """The present state of queues, workers and memory."""
        waiting = GaugeMetricFamily("vanisher_queue_jobs", "Jobs that wait", labels=["lane"])
        resident = GaugeMetricFamily("vanisher_memory_bytes", "Resident memory", labels=["process"])
        starts = GaugeMetricFamily("vanisher_worker_starts", "Workers started so far", labels=["lane"])
        deaths = GaugeMetricFamily("vanisher_worker_deaths", "Workers that died in a job", labels=["lane"])
        resident.add_metric(["daemon"], memory.resident())
        for name, lane in self._lanes.items():
            waiting.add_metric([name], len(lane.waiting))
            resident.add_metric([name], lane.resident())
            starts.add_metric([name], lane.starts)
            deaths.add_metric([name], lane.deaths)
        sessions = GaugeMetricFamily("vanisher_sessions", "Pictures open in the paint client")
        sessions.add_metric([], len(self._sessions))
        yield from (waiting, resident, starts, deaths, sessions)


class Observer:
    """ASGI middleware: counts, times and logs; the last net under everything behind it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *ALWAYS]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            problem = unexpected(error)
            if not status:
                await problem.response()(scope, receive, sending)
        finally:
            self._told(scope, status, time.monotonic() - began)

    def _told(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PATCH", "DELETE") else "other"
        self._metrics.request(method, route, status, seconds)
        log.info("request", extra={"fields": {
            "method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)
        }})  # fmt: skip


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, fields and, for errors, the trace."""
        values = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower()}
        values |= {"event": record.getMessage(), **getattr(record, "fields", {})}
        if record.exc_info:
            values["trace"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)
