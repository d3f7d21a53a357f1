"""The Python client of the daemon; standard library only, so that any script and plug-in host can use it.

from local_server.client import Client
client = Client.find()                                 # the daemon that runs for this user
picture = client.erase(Path("a.jpg").read_bytes(), remove="person")
Path("a.vanished.jpg").write_bytes(picture.data)
"""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_server.discovery import Address, Folder
from local_server.settings import state_folder
from vanisher_core.errors import VanisherError

Progress = Callable[[float, str], None]

TIMEOUT = 600.0
"""Seconds that an answer may take by default."""


class DaemonError(VanisherError):
    """The daemon refused or failed; the message is its sentence.

    Attributes:
        status: HTTP status code; 0 if there was no answer.
        kind: name of the failure, such as MaskError.
    """

    def __init__(self, message: str, status: int = 0, kind: str = "") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


@dataclass(frozen=True)
class Answer:
    """A file from the daemon.

    Attributes:
        data: its bytes.
        media_type: such as image/jpeg.
        receipt: what was done; None where nothing was.
        notes: sentences for the owner of the picture.
    """

    data: bytes = field(repr=False)
    media_type: str
    receipt: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()


class Client:
    """Talks to one daemon.

    Args:
        address: where it is.
        timeout: seconds that an answer may take.
    """

    def __init__(self, address: Address, timeout: float = TIMEOUT) -> None:
        self.address, self.timeout = address, timeout

    @classmethod
    def find(cls, state: Path | None = None) -> Client:
        """The daemon of this user.

        Args:
            state: its state folder; None: the usual one, or `VANISHER_STATE`.

        Raises:
            DaemonError: none is running.
        """
        folder = state or state_folder()
        address = Folder(folder).running() if folder.is_dir() else None
        if address is None:
            raise DaemonError("No Vanisher daemon is running: start it with 'vanisher serve'.")
        return cls(address)

    def erase(self, image: bytes, *, mask: bytes | None = None, **fields: Any) -> Answer:
        """Erases by a mask's file, or by `remove="person"`; further fields as in docs/scripting.md."""
        return self._work("/v1/erase", {"image": image, "mask": mask}, fields)

    def erase_panorama(self, image: bytes, *, mask: bytes | None = None, **fields: Any) -> Answer:
        """The same for an equirectangular picture; `nadir=20` erases the tripod, `relight=True` also shadows."""
        return self._work("/v1/panorama/erase", {"image": image, "mask": mask}, fields)

    def segment(self, image: bytes, classes: str = "person") -> Answer:
        """A PNG mask of some classes."""
        return self._work("/v1/segment", {"image": image}, {"classes": classes})

    def submit(
        self, kind: str, image: bytes, *, mask: bytes | None = None, key: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Queues a job; the same `key` with the same request gives the same job."""
        files = {"image": image, "mask": mask}
        headers = {"Idempotency-Key": key} if key else {}
        return json.loads(self._post_form("/v1/jobs", files, {"kind": kind, **fields}, headers)[1])

    def job(self, name: str) -> dict[str, Any]:
        """How far a job is."""
        return self.get_json(f"/v1/jobs/{name}")

    def events(self, name: str) -> Iterator[dict[str, Any]]:
        """The job at every change, until it ends."""
        connection = self._connection()
        try:
            connection.request("GET", f"/v1/jobs/{name}/events", headers=self._headers())
            response = connection.getresponse()
            if response.status != 200:
                raise _error(response.status, response.read())
            while line := response.readline():
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])
        finally:
            connection.close()

    def wait(self, name: str, progress: Progress | None = None) -> Answer:
        """Follows a job to its end; its result.

        Raises:
            DaemonError: it failed or was cancelled.
        """
        for job in self.events(name):
            if progress is not None:
                progress(job["progress"], job["text"])
        return self.result(name)

    def result(self, name: str) -> Answer:
        """A finished job's file, with its complete receipt."""
        headers, data = self.request("GET", f"/v1/jobs/{name}/result")
        done = self.job(name)["result"] or {}
        return Answer(
            data, headers.get("content-type", ""), done.get("receipt"), tuple(done.get("notes", ()))
        )

    def cancel(self, name: str) -> dict[str, Any]:
        """Cancels a job, or drops the result of a finished one."""
        return json.loads(self.request("DELETE", f"/v1/jobs/{name}")[1])

    def login_link(self) -> str:
        """A one-time link for the browser."""
        return json.loads(self.request("POST", "/v1/login-links")[1])["url"]

    def get_json(self, path: str) -> dict[str, Any]:
        """Any JSON of the daemon."""
        return json.loads(self.request("GET", path)[1])

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[dict[str, str], bytes]:
        """One request.

        Returns:
            Headers (names in lower case) and body.

        Raises:
            DaemonError: no answer, or a refusal.
        """
        connection = self._connection()
        try:
            connection.request(method, path, body, self._headers() | (headers or {}))
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise DaemonError(
                f"The daemon at {self.address.url} does not answer ({error}): start it with 'vanisher serve'."
            ) from None
        finally:
            connection.close()
        if response.status >= 300:
            raise _error(response.status, data)
        return {name.lower(): value for name, value in response.getheaders()}, data

    def _work(self, path: str, files: dict[str, bytes | None], fields: dict[str, Any]) -> Answer:
        headers, data = self._post_form(path, files, fields, {})
        packed = headers.get("vanisher-receipt")
        notes = tuple(
            urllib.parse.unquote(note) for note in headers.get("vanisher-notes", "").split(" | ") if note
        )
        receipt = json.loads(base64.b64decode(packed)) if packed else None
        return Answer(data, headers.get("content-type", ""), receipt, notes)

    def _post_form(
        self, path: str, files: dict[str, bytes | None], fields: dict[str, Any], headers: dict[str, str]
    ) -> tuple[dict[str, str], bytes]:
        kind, body = form(files, fields)
        return self.request("POST", path, body, {"Content-Type": kind, **headers})

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address.host, self.address.port, timeout=self.timeout)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.address.token}"}


def form(files: dict[str, bytes | None], fields: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and body of a multipart form (RFC 7578); entries that are None are left out."""
    boundary = f"vanisher-{secrets.token_hex(16)}"
    parts = []
    for name, value in fields.items():
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            parts.append(
                f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
            )
    for name, data in files.items():
        if data is not None:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def wait_for(state: Path, seconds: float = 30.0) -> Client:
    """Waits until a daemon that was just started answers.

    Raises:
        DaemonError: it did not come.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return Client.find(state)
        except DaemonError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _error(status: int, data: bytes) -> DaemonError:
    try:
        problem = json.loads(data)
        return DaemonError(problem["detail"], status, problem["kind"])
    except (ValueError, KeyError, TypeError):
        return DaemonError(f"the daemon answered {status}", status)
