"""How much memory a process may take and takes. Standard library only; used on both sides of the pipe."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import time
from pathlib import Path

LIMIT_EXIT = 86
"""Exit status of a worker that was over its limit."""

WATCH = 0.1
"""Seconds between two looks at a worker's resident memory."""


def resident(pid: int | str = "self") -> int:
    """Bytes of a process's resident memory; 0 where the system does not say (its peak, for macOS's own)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        pass
    if pid == "self" and sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


def physical() -> int:
    """Bytes of this machine's memory; 8 GiB where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 * 1024**3


def limit(bytes: int) -> None:
    """Holds this process below a number of bytes.

    On Linux RLIMIT_DATA counts private writable memory whether touched or not, so an allocation beyond it fails
    as a MemoryError that can be said in a sentence; unlike RLIMIT_AS it leaves alone the address space that CUDA
    and thread stacks only reserve. Everywhere, a thread ends the process when its resident memory is over.
    """
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (bytes, bytes))
    threading.Thread(target=_watch, args=(bytes,), daemon=True).start()


def _watch(bytes: int) -> None:
    while True:
        time.sleep(WATCH)
        if resident() > bytes:
            os._exit(LIMIT_EXIT)


def release() -> None:
    """Gives free memory back to the system, which glibc otherwise keeps for later."""
    gc.collect()
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
