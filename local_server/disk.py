"""A full disk, told apart from a bug. Standard library only; used on both sides of the pipe."""

from __future__ import annotations

import errno

KIND = "DiskFull"
SENTENCE = "The disk that Vanisher works on is full: make room, or set VANISHER_STATE to a folder elsewhere."

NUMBERS = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name)}
"""Of the errors that say that a disk, a quota or a file is full."""


def is_full(error: Exception) -> bool:
    """Whether an error says that there is no room."""
    return isinstance(error, OSError) and error.errno in NUMBERS
