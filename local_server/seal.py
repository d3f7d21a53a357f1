"""No outgoing connection, ever: a process seals itself, and from then on Python refuses to make one.

An audit hook (PEP 578) cannot be taken off again. It guards against a library that calls home, not against
native code that was taken over; the workers' memory limit and their lack of a token are for that.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any


class OutgoingConnection(PermissionError):
    """Something in this process tried to reach another machine."""


def seal(*, loopback: bool) -> None:
    """Refuses every connection that this process would make from now on.

    Args:
        loopback: whether connections to this machine itself stay allowed (asyncio needs one on Windows).
    """

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[1]
            if not (loopback and _is_here(address)):
                raise OutgoingConnection(f"Vanisher makes no connections, and this one was to {address!r}")
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = arguments[0]
            if host is not None and not (loopback and _is_here((host, 0))):
                raise OutgoingConnection(f"Vanisher looks up no names, and this one was {host!r}")

    sys.addaudithook(hook)


def _is_here(address: Any) -> bool:
    """Whether an address is this machine: a Unix socket, or 127.0.0.0/8 or ::1 written as a number."""
    if isinstance(address, (str, bytes)):
        return True
    host = address[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
