"""What a connection may cost: bytes of a body while they come, seconds without any, seconds for a head."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import h11
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from local_server.problems import Problem
from local_server.settings import Settings

GRACE, LEAST_RATE = 30.0, 1024
"""After the first seconds a body must have come at this many bytes a second on average."""

DRAIN_BYTES, DRAIN_SECONDS = 16 * 1024 * 1024, 1.0
"""Of a refused body that are still read and thrown away, so that the sender gets to read why."""


class BodyLimit:
    """ASGI middleware that counts a body while it is read, whatever its headers announce."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with a `receive` that raises 413 or 408."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self._settings.max_bytes:
            if "expect" not in Headers(scope=scope):  # who waits for "100 Continue" sends nothing to drain
                await _drain(receive)
            await Problem(413, self._sentence(), "LimitExceeded").response()(scope, receive, send)
            return
        body = _Body(receive, self._settings, self._sentence())
        await self._app(scope, body.receive, send)

    def _sentence(self) -> str:
        return (
            f"The request has more than {self._settings.max_bytes:,} bytes; send a smaller file or raise "
            "VANISHER_MAX_BYTES."
        )


class _Body:
    """One request's body, counted."""

    def __init__(self, receive: Receive, settings: Settings, sentence: str) -> None:
        self._receive, self._settings, self._sentence = receive, settings, sentence
        self._count, self._complete, self._began = 0, False, time.monotonic()

    async def receive(self) -> Message:
        """The next piece.

        Raises:
            HTTPException: 413 over the limit, 408 when nothing or too little comes.
        """
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._settings.stall_seconds)
        except TimeoutError:
            raise HTTPException(
                408, "The body stopped coming; send it again.", {"Connection": "close"}
            ) from None
        self._count += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._count > self._settings.max_bytes:
            await _drain(self._receive)
            raise HTTPException(413, self._sentence, {"Connection": "close"})
        spent = time.monotonic() - self._began
        if not self._complete and spent > GRACE and self._count < LEAST_RATE * (spent - GRACE):
            raise HTTPException(408, "The body comes too slowly; send it again.", {"Connection": "close"})
        return message


async def _drain(receive: Receive) -> None:
    """Reads on for a moment: a connection that is closed with unread bytes takes the answer along."""
    count = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while count < DRAIN_BYTES:
                message = await receive()
                count += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def protocol_of(settings: Settings) -> type[H11Protocol]:
    """Uvicorn's HTTP/1.1, which by itself waits for a head for ever, with a clock."""

    class Protocol(H11Protocol):
        """Closes connections whose head has not come in `head_seconds`."""

        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)  # type: ignore[arg-type]
            self._wind()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:
                if self._clock is None and self.timeout_keep_alive_task is None:
                    self._wind()
            else:
                self._unwind()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwind()
            super().connection_lost(exc)

        def _wind(self) -> None:
            self._clock = self.loop.call_later(settings.head_seconds, self._late)

        def _unwind(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _late(self) -> None:
            self._clock = None
            if not self.transport.is_closing():
                self.transport.close()

    return Protocol


def server_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told about connections."""
    return {
        "http": protocol_of(settings),
        "ws": "none",
        "h11_max_incomplete_event_size": 32 * 1024,
        "limit_concurrency": settings.connections,
        "timeout_keep_alive": 20,
        "timeout_graceful_shutdown": 10,
        "backlog": 128,
    }
