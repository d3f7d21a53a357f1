"""Servers that are no daemon, or a broken one: each has a port and a state folder that names it."""

from __future__ import annotations

import fcntl
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HEALTHY = {"status": "ok", "version": "0.1.0", "warm": True}


def announce(state: Path, port: int, version: str = "0.1.0", token: str = "x" * 40, mode: int = 0o600) -> int:
    """A state folder as a daemon leaves it, with the lock taken by this process; the lock's descriptor."""
    state.mkdir(mode=0o700, parents=True)
    values = {"url": f"http://127.0.0.1:{port}", "host": "127.0.0.1", "port": port, "token": token, "pid": 1}
    (state / "daemon.json").write_text(json.dumps({**values, "version": version}))
    (state / "daemon.json").chmod(mode)
    descriptor = os.open(state / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


class Scripted(BaseHTTPRequestHandler):
    """Answers by the server's table: end of the path -> (status, media type, body)."""

    def do_GET(self) -> None:
        """Everything is answered alike."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        table: dict[str, tuple[int, str, bytes]] = self.server.table  # type: ignore[attr-defined]
        answers = [answer for suffix, answer in table.items() if self.path.endswith(suffix)]
        status, kind, body = answers[0] if answers else (404, "text/html", b"<h1>no</h1>")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


class Noise(socketserver.BaseRequestHandler):
    """Answers with bytes that are no HTTP."""

    def handle(self) -> None:
        """One answer."""
        self.request.recv(65536)
        self.request.sendall(b"\x00\xff220 mail ready\r\n" * 50)


class Mute(socketserver.BaseRequestHandler):
    """Accepts, and never says a word."""

    def handle(self) -> None:
        """Waits until the other side goes."""
        while self.request.recv(65536):
            pass


def job(state: str, **values: Any) -> dict[str, Any]:
    """A job's JSON."""
    return {"id": "j-0123456789abcdef", "state": state, "place": 0, "progress": 0.5, "text": "", "problem": None,
            "result": {}, **values}  # fmt: skip


def tables() -> dict[str, dict[str, tuple[int, str, bytes]]]:
    """Name of an impostor -> what it answers."""
    healthy = {"/healthz": (200, "application/json", json.dumps(HEALTHY).encode())}
    accepting = {**healthy, "/v1/jobs": (202, "application/json", json.dumps(job("queued")).encode())}
    stream = "text/event-stream"
    done = f"event: job\ndata: {json.dumps(job('done'))}\n\n".encode()
    return {
        "a-web-server": {"/healthz": (200, "text/html", b"<h1>Welcome to nginx!</h1>")},
        "another-service": {"/healthz": (200, "application/json", b'{"status": "UP"}')},
        "another-version": {
            "/healthz": (200, "application/json", json.dumps({**HEALTHY, "version": "7.1"}).encode())
        },
        "job-without-name": {**healthy, "/v1/jobs": (202, "application/json", b'{"id": 7}')},
        "events-garbage": {**accepting, "/events": (200, stream, b"data: {]\n\n")},
        "events-break-off": {**accepting, "/events": (200, stream, b"event: job\n")},
        "result-garbage": {
            **accepting,
            "/events": (200, stream, done),
            "/result": (200, "image/tiff", b"\xff" * 999),
        },
    }


@contextmanager
def impostors(folder: Path) -> Iterator[None]:
    """All of them at once, each with the state folder `folder/NAME`."""
    servers: list[Any] = []
    locks = []
    for name, table in tables().items():
        server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
        server.table = table  # type: ignore[attr-defined]
        servers.append(server)
        locks.append(announce(folder / name, server.server_address[1]))
    for name, handler in (("noise", Noise), ("mute", Mute)):
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        locks.append(announce(folder / name, server.server_address[1]))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for lock in locks:
            os.close(lock)
