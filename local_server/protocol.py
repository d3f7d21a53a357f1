"""What daemon and worker say to each other: small JSON messages, each with its length before it.

No pickle: a worker that a hostile photograph took over must not be able to run code in the daemon. Pictures
do not travel here; they lie as files in the job's own private folder, and only the folder's name is sent.

    daemon -> worker   {"id", "task", "folder", "options"}        one at a time
                       {"cancel": id}
    worker -> daemon   {"id", "progress": 0..1, "text"}
                       {"id", "done": {...}} | {"id", "failed": {"kind", "message"}}, both with "memory": bytes
"""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

Message = dict[str, Any]

LENGTH = struct.Struct(">I")
LARGEST = 64 * 1024 * 1024
"""Bytes of one message: a receipt of a very large panorama stays far below."""


class ProtocolError(Exception):
    """The other side sent something that is no message; it is not to be trusted any more."""


def packed(message: Message) -> bytes:
    """A message with its length before it.

    Raises:
        ProtocolError: it is larger than `LARGEST`.
    """
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(text) > LARGEST:
        raise ProtocolError(f"a message of {len(text):,} bytes; at most {LARGEST:,} are sent")
    return LENGTH.pack(len(text)) + text


def read(stream: BinaryIO) -> Message | None:
    """The next message of a blocking stream; None at its end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    text = stream.read(_checked(head))
    return _parsed(text)


async def receive(stream: asyncio.StreamReader) -> Message | None:
    """The next message of a worker; None when it has left.

    Raises:
        ProtocolError: what came is no message.
    """
    try:
        head = await stream.readexactly(LENGTH.size)
        return _parsed(await stream.readexactly(_checked(head)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _checked(head: bytes) -> int:
    (length,) = LENGTH.unpack(head)
    if length > LARGEST:
        raise ProtocolError(f"a message of {length:,} bytes is announced; at most {LARGEST:,} are read")
    return length


def _parsed(text: bytes) -> Message:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise ProtocolError(f"a {type(message).__name__} where a JSON object is needed")
    return message
