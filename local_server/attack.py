"""Tries to break into a running daemon: `vanisher doctor --attack`. Every probe is a real request over a socket.

A probe passes when each of its requests was refused with an expected status (or the connection was closed where that
is right), none with a 5xx, and the daemon still answers afterwards. The list is in `attack_probes.py`; the tests
run the same one.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from local_server.client import Client, DaemonError
from local_server.settings import Settings, load

CLOSED = 0
"""Stands for a connection that the daemon closed without an answer."""

PATIENCE = 60.0
"""Seconds for an answer."""


@dataclass(frozen=True)
class Sent:
    """One request of a probe: what it was, and the status that came back."""

    what: str
    status: int


@dataclass(frozen=True)
class Probe:
    """One attack: its name, what may come back, and how it is done."""

    name: str
    expected: frozenset[int]
    run: Callable[[Target], Iterable[Sent]]


@dataclass
class Finding:
    """How one probe went; `wrong` is empty if the daemon withstood."""

    name: str
    requests: int = 0
    statuses: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Target:
    """A daemon to attack, by raw bytes or by well-formed requests.

    Args:
        client: of the running daemon; the attacks themselves use its token only where they say so.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.host, self.port = client.address.host, client.address.port
        self.token = client.address.token
        self.limits = client.get_json("/v1/limits")

    @property
    def name(self) -> str:
        """What the Host header should say."""
        return f"{self.host}:{self.port}"

    @property
    def bearer(self) -> str:
        """The right Authorization header's value."""
        return f"Bearer {self.token}"

    def connect(self, timeout: float = PATIENCE) -> socket.socket:
        """A plain connection."""
        return socket.create_connection((self.host, self.port), timeout)

    def raw(self, *pieces: bytes, timeout: float = PATIENCE) -> int:
        """Sends bytes as they are; the status that comes back, or CLOSED."""
        with self.connect(timeout) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except OSError:
                pass  # refused in the middle: the answer may be there already
            return _status(connection)

    def get(self, path: str, **headers: str) -> int:
        """A GET with the right Host and token unless `headers` say otherwise."""
        return self.send("GET", path, b"", **headers)

    def send(self, method: str, path: str, body: bytes, **headers: str) -> int:
        """A request with the right Host and token unless `headers` say otherwise; `None_` leaves one out.

        Header names have `_` for `-`; a value of "-" leaves the header out.
        """
        given = {"Host": self.name, "Authorization": self.bearer, "Connection": "close"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            given.setdefault("Content-Length", str(len(body)))
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in given.items() if value != "-"),
        ]
        return self.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n", body)

    def upload(self, path: str, files: dict[str, bytes], fields: dict[str, str]) -> int:
        """A well-formed multipart form with hostile contents."""
        from local_server.client import form

        kind, body = form(dict(files), dict(fields))
        return self.send("POST", path, body, Content_Type=kind)

    def is_well(self) -> bool:
        """Whether the daemon answers as it should."""
        try:
            return self.client.get_json("/healthz")["status"] == "ok"
        except (DaemonError, KeyError):
            return False


def _status(connection: socket.socket) -> int:
    """The status line's number of whatever comes, or CLOSED."""
    head = io.BytesIO()
    try:
        while b"\r\n" not in head.getvalue() and (piece := connection.recv(4096)):
            head.write(piece)
    except OSError:
        pass
    line = head.getvalue().split(b"\r\n")[0].split(b" ")
    if len(line) < 2 or not line[0].startswith(b"HTTP/") or not line[1].isdigit():
        return CLOSED
    return int(line[1])


def run(target: Target, probes: Iterable[Probe]) -> list[Finding]:
    """Runs probes one after another; what each found."""
    return [_run(target, probe) for probe in probes]


def _run(target: Target, probe: Probe) -> Finding:
    finding = Finding(probe.name)
    try:
        for sent in probe.run(target):
            finding.requests += 1
            finding.statuses.append(sent.status)
            if sent.status not in probe.expected or sent.status >= 500:
                wanted = ", ".join(str(status or "closed") for status in sorted(probe.expected))
                finding.wrong.append(f"{sent.what}: {sent.status or 'closed'}, expected {wanted}")
    except (OSError, http.client.HTTPException) as error:
        finding.wrong.append(f"{type(error).__name__}: {error}")
    if not target.is_well():
        finding.wrong.append("the daemon no longer answers")
    return finding


def attack_running(*, as_json: bool) -> int:
    """`vanisher doctor --attack`: the daemon of this user, wherever its state folder lies.

    Raises:
        DaemonError: none is running.
    """
    return report(load(), as_json=as_json)


def report(settings: Settings, *, as_json: bool) -> int:
    """Attacks the daemon that runs for a state folder, and prints how it went; 0 if it withstood.

    Raises:
        DaemonError: none is running.
    """
    from local_server.attack_probes import PROBES

    began = time.monotonic()
    findings = run(Target(Client.find(settings.state)), PROBES)
    withstood = not any(finding.wrong for finding in findings)
    if as_json:
        print(json.dumps({"ok": withstood, "probes": [vars(finding) for finding in findings]}))
        return 0 if withstood else 1
    for finding in findings:
        print(f"{'NOT OK' if finding.wrong else 'ok    '}  {finding.name} ({finding.requests})")
        for line in finding.wrong:
            print(f"{'':10}-> {line}")
    count = sum(finding.requests for finding in findings)
    print(
        f"{count} attacks in {time.monotonic() - began:.0f} s: {'withstood' if withstood else 'NOT withstood'}."
    )
    return 0 if withstood else 1
