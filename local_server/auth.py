"""Who may ask: exact Host, own Origin, and the token or the cookie of a one-time link.

A page of any site can make the browser send requests to 127.0.0.1, and with DNS rebinding under a host name
of its own. So before anything is read: the Host header must be exactly this daemon's, an Origin must be its
own, Fetch Metadata must not say that another site asks. Then a secret: the token (programs of this user read
it from a file of mode 0600), or a cookie that only a one-time link gives.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from local_server.problems import Problem

SAFE = ("GET", "HEAD")

OPEN = ("/healthz", "/readyz", "/openapi.json", "/docs", "/v2/health/live", "/v2/health/ready")
"""Paths without secrets; the page's own files are open, too."""

MOST_HEADERS, HEADER_BYTES = 100, 32 * 1024
"""Of one request; h11 bounds only what comes in several pieces."""

LINK_SECONDS = 600.0
"""A login link can be used once, for this long."""

LOGINS = 50
"""Cookies that are valid at the same time; the oldest goes first."""


class Keys:
    """The secrets of one daemon: its token, its login links and the cookies made from them.

    Args:
        token: as in the token file.
        port: part of the cookie's name, because browsers give cookies to every port of a host.
    """

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self.cookie_name = f"vanisher-{port}"
        self._links: dict[str, float] = {}
        self._cookies: list[str] = []

    def fits(self, given: str) -> bool:
        """Whether a text is the token; takes the same time for every wrong one."""
        return hmac.compare_digest(given.encode(errors="surrogateescape"), self._token)

    def new_link(self) -> str:
        """The code of a login link."""
        now = time.monotonic()
        self._links = {code: end for code, end in self._links.items() if end > now}
        code = secrets.token_urlsafe(24)
        self._links[code] = now + LINK_SECONDS
        return code

    def use_link(self, code: str) -> str:
        """A cookie for a login code, which is used up.

        Raises:
            Problem: 403, the code is wrong, old or used.
        """
        if self._links.pop(code, 0.0) < time.monotonic():
            raise Problem(
                403,
                "This login link was used or is too old; run 'vanisher serve' again for a new one.",
                "LinkUsed",
            )
        cookie = secrets.token_urlsafe(32)
        self._cookies = [*self._cookies, cookie][-LOGINS:]
        return cookie

    def knows(self, cookie: str) -> bool:
        """Whether a cookie came from a login link of this daemon."""
        given = cookie.encode(errors="surrogateescape")
        return any([hmac.compare_digest(given, known.encode()) for known in self._cookies])


class Gate:
    """ASGI middleware that lets through only what may ask.

    Args:
        app: what is behind it.
        keys: the secrets.
        hosts: exactly what a Host header may say.
        is_page: whether a path is a file of the page, which needs no login.
    """

    def __init__(
        self, app: ASGIApp, keys: Keys, hosts: Iterable[str], is_page: Callable[[str], bool]
    ) -> None:
        self._app, self._keys, self._is_page = app, keys, is_page
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with a problem."""
        if scope["type"] == "http":
            try:
                self._check(scope)
            except Problem as problem:
                await problem.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if (
            len(headers.raw) > MOST_HEADERS
            or sum(len(name) + len(value) for name, value in headers.raw) > HEADER_BYTES
        ):
            raise Problem(
                431, f"The head has too many headers; send at most {MOST_HEADERS}, {HEADER_BYTES:,} bytes."
            )
        self._check_place(headers)
        path, method = scope["path"], scope["method"]
        if method in SAFE and (path in OPEN or path.startswith("/login/") or self._is_page(path)):
            return
        if self._has_token(headers) or self._has_cookie(headers, method):
            return
        raise Problem(
            401,
            "A token is needed: 'Authorization: Bearer TOKEN' (the token is in daemon.json of the state folder), or in "
            "a browser the link that 'vanisher serve' prints.",
            headers={"WWW-Authenticate": 'Bearer realm="vanisher"'},
        )

    def _check_place(self, headers: Headers) -> None:
        """Host, Origin and Fetch Metadata.

        Raises:
            Problem: 421 for a foreign Host, 403 for a foreign page.
        """
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise Problem(
                421, f"The Host header says {', '.join(hosts)!r:.80}; this daemon answers to its own address only.",
                "WrongHost",
            )  # fmt: skip
        for origin in headers.getlist("origin"):
            if origin.lower() != f"http://{hosts[0].lower()}":
                raise Problem(403, f"The page {origin!r:.80} may not use this daemon.", "ForeignOrigin")
        for site in headers.getlist("sec-fetch-site"):
            if site not in ("same-origin", "none"):
                raise Problem(403, f"A {site!r:.40} page may not use this daemon.", "ForeignOrigin")

    def _has_token(self, headers: Headers) -> bool:
        """Bearer TOKEN, or Basic with the token as password, for clients that only take a URL."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._keys.fits(given.strip())
        if scheme.lower() == "basic":
            try:
                _, _, password = base64.b64decode(given, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
            return self._keys.fits(password)
        return False

    def _has_cookie(self, headers: Headers, method: str) -> bool:
        """A cookie counts only with an Origin (checked above) where something is changed."""
        if method not in SAFE and "origin" not in headers:
            return False
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        found = cookies.get(self._keys.cookie_name)
        return found is not None and self._keys.knows(found.value)
