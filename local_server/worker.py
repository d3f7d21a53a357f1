"""A worker: the process in which photographs are decoded and networks run. `python -m local_server.worker`.

Started by the daemon (`lane.py`) with pipes for stdin and stdout. It does one task after another, says how far
it is, stops at the next progress report when the task is cancelled, and leaves when its stdin ends, so that
no worker outlives a daemon that was killed.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import BinaryIO

from local_server import disk, memory, protocol, seal
from vanisher_core.errors import Cancelled, LimitExceeded, VanisherError

REPORTS = 0.05
"""Seconds between two progress messages at least."""

REST = 0.5
"""Seconds without an order after which memory is given back: doing so takes as long as a small job."""

OUT_OF_MEMORY = (
    "not enough memory for this picture within the worker's limit; use a smaller picture, or raise the limit "
    "(VANISHER_WORKER_MEMORY, in bytes)"
)


class Worker:
    """Takes tasks from one stream and answers on another.

    Args:
        source: messages from the daemon.
        target: messages to it.
        device: "auto", "cpu", "cuda" or "mps", for the networks.
    """

    def __init__(self, source: BinaryIO, target: BinaryIO, device: str) -> None:
        from local_server.tasks import Tasks

        self._source, self._target = source, target
        self._tasks = Tasks(device)
        self._orders: queue.Queue[protocol.Message | None] = queue.Queue()
        self._cancelled: set[str] = set()
        self._told = 0.0

    def run(self) -> None:
        """Works until the daemon closes the pipe."""
        threading.Thread(target=self._listen, daemon=True).start()
        while (order := self._next()) is not None:
            self._answer(order)

    def _next(self) -> protocol.Message | None:
        """The next order; memory goes back to the system once there is a moment's rest, not between two jobs."""
        try:
            return self._orders.get(timeout=REST)
        except queue.Empty:
            memory.release()
            return self._orders.get()

    def _listen(self) -> None:
        """Reads orders; runs in its own thread, so that a cancellation is heard during work."""
        while (message := protocol.read(self._source)) is not None:
            if "cancel" in message:
                self._cancelled.add(message["cancel"])
            else:
                self._orders.put(message)
        os._exit(0)  # the daemon has gone: whatever is being done, nobody wants it

    def _answer(self, order: protocol.Message) -> None:
        """Does one task; whatever happens becomes one message."""
        name = order["id"]
        self._told = 0.0
        try:
            task = self._tasks.find(order["task"])
            done = task(Path(order["folder"]), order["options"], lambda f, text: self._report(name, f, text))
            reply = {"id": name, "done": done}
        except VanisherError as error:
            reply = _failure(name, type(error).__name__, str(error))
        except Exception as error:
            if _about_memory(error):
                reply = _failure(name, LimitExceeded.__name__, OUT_OF_MEMORY)
            elif disk.is_full(error):
                reply = _failure(name, disk.KIND, disk.SENTENCE)
            else:
                traceback.print_exc()
                reply = _failure(
                    name, "Unexpected", f"{type(error).__name__} in the worker; its log has the trace"
                )
        self._cancelled.discard(name)
        self._send({**reply, "memory": memory.resident()})

    def _report(self, name: str, fraction: float, text: str) -> None:
        """The progress callback of every task.

        Raises:
            Cancelled: the daemon wants no more of it.
        """
        if name in self._cancelled:
            raise Cancelled("cancelled; nothing was changed")
        now = time.monotonic()
        if now - self._told >= REPORTS:
            self._told = now
            self._send({"id": name, "progress": round(min(max(fraction, 0.0), 1.0), 4), "text": text})

    def _send(self, message: protocol.Message) -> None:
        try:
            self._target.write(protocol.packed(message))
            self._target.flush()
        except BrokenPipeError:
            os._exit(0)


def _failure(name: str, kind: str, message: str) -> protocol.Message:
    return {"id": name, "failed": {"kind": kind, "message": message}}


def _about_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out (torch raises RuntimeError for it, OpenCV its own class)."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in ("out of memory", "can't allocate memory", "insufficient memory"))


def main() -> None:
    """Takes over stdin and stdout; anything that prints goes to stderr instead."""
    parser = argparse.ArgumentParser(description="A worker of the daemon; started by it.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--memory", type=int, default=memory.physical(), help="bytes")
    arguments = parser.parse_args()
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 -- a device, not a path of ours
        os.dup2(nothing.fileno(), 0)
    seal.seal(loopback=False)
    memory.limit(arguments.memory)
    Worker(source, target, arguments.device).run()


if __name__ == "__main__":
    sys.exit(main())
