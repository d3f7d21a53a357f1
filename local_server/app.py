"""The daemon put together: middleware, routes, workers, and what starts and stops with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from local_server import iopaint, oip, page, routes_jobs, routes_operate, routes_sessions, routes_work
from local_server.auth import Gate, Keys
from local_server.jobs import Job, Jobs
from local_server.lane import Lane
from local_server.limits import BodyLimit
from local_server.metrics import Metrics, Observer
from local_server.problems import install, unexpected
from local_server.sessions import Sessions
from local_server.settings import Settings, is_loopback
from local_server.work import Daemon
from vanisher_core import __version__

TIDY = 5.0
"""Seconds between two looks for what can be forgotten."""

DESCRIPTION = (
    "Erases things from photographs on this machine; every sample outside the mask stays as it was. All of /v1 needs "
    "'Authorization: Bearer TOKEN'. Failures are application/problem+json with a sentence in 'detail'."
)


def build(settings: Settings, token: str, port: int, spool: Path) -> tuple[ASGIApp, Daemon]:
    """The daemon as an ASGI application, and what its routes work with.

    Args:
        settings: how it behaves.
        token: what programs must know.
        port: that it is bound to.
        spool: empty private folder for pictures in work.
    """
    daemon = _daemon(settings, token, port, spool)
    app = FastAPI(
        title="Vanisher",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        telemetry={"tracing": False},
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.daemon, app.state.proof, app.state.models = daemon, {}, {}
    install(app)
    for routes in (routes_work, routes_jobs, routes_sessions, routes_operate, oip, iopaint, page):
        app.include_router(routes.router)
    secured: ASGIApp = Gate(BodyLimit(app, settings), daemon.keys, hosts(settings, port), page.is_page)
    return Observer(secured, daemon.metrics), daemon


def _daemon(settings: Settings, token: str, port: int, spool: Path) -> Daemon:
    metrics = Metrics()

    def ended(job: Job) -> None:
        jobs.on_end(job)

    lanes = {name: Lane(name, settings, ended) for name in ("models", "pictures")}
    jobs = Jobs(settings, spool, lanes, metrics.job)
    sessions = Sessions(settings, spool)
    metrics.watch(lanes, sessions)
    url = f"http://{_bracketed(settings.host)}:{port}"
    return Daemon(settings, jobs, lanes, sessions, Keys(token, port), metrics, url)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Queues are served while the daemon runs; at its end jobs are failed with a sentence and workers leave."""
    daemon: Daemon = app.state.daemon
    tasks = [asyncio.create_task(lane.run()) for lane in daemon.lanes.values()]
    tasks.append(asyncio.create_task(_tidy(daemon)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tidy(daemon: Daemon) -> None:
    while True:
        await asyncio.sleep(TIDY)
        try:
            daemon.jobs.tidy()
            daemon.sessions.tidy()
        except Exception as error:
            unexpected(error)


def hosts(settings: Settings, port: int) -> list[str]:
    """Exactly what a Host header may say."""
    names = [_bracketed(settings.host)]
    if is_loopback(settings.host):
        names += ["127.0.0.1", "localhost", "[::1]"]
    known = [f"{name}:{port}" for name in names] + (names if port == 80 else [])
    return [*dict.fromkeys(known), *settings.hosts]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
