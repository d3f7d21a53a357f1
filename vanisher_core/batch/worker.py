"""A process that does jobs: `python -m vanisher_core.batch.worker`, spoken to in JSON lines.

Its first line on stdin says where to run and holds the task, each further line a job; each line on stdout is an
answer. It leaves when stdin ends, at once and in the middle of a job: when the batch is killed, its workers go
too, and nothing is written behind the back of the one that goes on with it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from vanisher_core.batch.task import Job, Task
from vanisher_core.errors import VanisherError


def main() -> None:
    """Runs until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the batch's to handle
    if not os.environ.get("VANISHER_DEBUG"):
        warnings.simplefilter("ignore")
    lines = _lines(sys.stdin)
    first = next(lines)
    _pin(first["core"])

    from vanisher_core.batch.work import Processor, one_thread

    one_thread()
    try:
        processor = Processor(Task.from_dict(first["task"]))
    except VanisherError as error:
        _answer(answers, {"ready": False, "type": type(error).__name__, "message": str(error)})
        return
    _answer(answers, {"ready": True})
    for values in lines:
        _answer(answers, processor(Job(**values)))


def _lines(stream: TextIO) -> Iterator[dict[str, Any]]:
    """The lines of stdin; a thread waits for them, so that the end is noticed during work."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            waiting.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while True:
        yield json.loads(waiting.get())


def _answer(stream: TextIO, values: dict[str, Any]) -> None:
    stream.write(json.dumps(values) + "\n")
    stream.flush()


def _pin(core: int | None) -> None:
    """Keeps this process on one core, where the system can do that."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        try:
            os.sched_setaffinity(0, {core})
        except OSError:  # the core was taken away meanwhile
            return


if __name__ == "__main__":
    main()
