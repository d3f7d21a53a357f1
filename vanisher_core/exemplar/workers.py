"""A small thread pool for kernels that release the GIL.

Why not numba's own `parallel=True`: its threading layers differ by platform, the portable one aborts when
two Python threads enter it at once (a daemon does), the OpenMP one aborts after a fork, and compilation
takes three times as long. Here every kernel is a plain nogil function over a band; the bands are fixed by
the work, never by the number of threads, so the result does not depend on the machine.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

_NAME = "vanisher-bands"
"""Begins the names of the threads."""


def thread_count() -> int:
    """Threads to use: VANISHER_THREADS or OMP_NUM_THREADS if positive numbers, else this process's CPUs."""
    for name in ("VANISHER_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "")
        if text.isdigit() and int(text) > 0:
            return int(text)
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@lru_cache(maxsize=4)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """One pool per size and process (a forked child must not inherit its parent's dead threads)."""
    return ThreadPoolExecutor(threads, thread_name_prefix=f"{_NAME}-{process}")


def run_bands(task: Callable[[Any], None], bands: list[Any]) -> None:
    """Call `task(band)` for every band, in threads when there are several; the first exception is raised.

    A task may call this again: it then works alone, for the threads it would wait for may all be waiting like it.
    """
    threads = min(thread_count(), len(bands))
    if threads <= 1 or threading.current_thread().name.startswith(_NAME):
        for band in bands:
            task(band)
        return
    for _ in _pool(threads, os.getpid()).map(task, bands):
        pass


def row_bands(top: int, bottom: int, height: int) -> list[tuple[int, int]]:
    """Cut the rows top..bottom (bottom excluded) into bands of at least `height` rows, at most 16 of them."""
    rows = bottom - top
    if rows <= 0:
        return []
    count = max(1, min(16, rows // height))
    edges = [top + rows * i // count for i in range(count + 1)]
    return list(pairwise(edges))
