"""The attacks, each a named probe: rebinding, foreign pages, wrong secrets, bombs, floods, slow senders, paths.

Pictures are built byte by byte here: a header that claims much costs the attacker nothing.
"""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Callable, Iterator

from local_server.attack import CLOSED, Probe, Sent, Target

PROBES: list[Probe] = []

Run = Callable[[Target], Iterator[Sent]]


def probe(name: str, *expected: int) -> Callable[[Run], Run]:
    """Adds a function to the list."""

    def add(run: Run) -> Run:
        PROBES.append(Probe(name, frozenset(expected), run))
        return run

    return add


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, extra: bytes = b"", samples: bytes | None = None) -> bytes:
    """A grey 8-bit PNG that claims a size; by default with its true samples, which only fits a small one."""
    data = b"".join(b"\0" + bytes(width) for _ in range(height)) if samples is None else samples
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")


def jpeg_head(width: int, height: int) -> bytes:
    """A JPEG that ends after claiming a size."""
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    scan = struct.pack(">HB", 8, 1) + b"\x01\x00\x00\x3f\x00"
    return b"\xff\xd8\xff\xc0" + frame + b"\xff\xda" + scan + bytes(64) + b"\xff\xd9"


def tiff_head(width: int, height: int) -> bytes:
    """A TIFF whose one strip is not there."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
            (278, 4, height), (279, 4, min(width * height, 2**32 - 1))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


def webp_head(width: int, height: int) -> bytes:
    """A lossless WebP that claims a size."""
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + bytes(16)
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data + (b"\0" if len(data) % 2 else b"")
    return b"RIFF" + struct.pack("<I", len(body)) + body


SMALL = png(16, 16)


@probe("DNS rebinding: foreign Host headers", 400, 421)
def _hosts(target: Target) -> Iterator[Sent]:
    port = target.port
    for host in (
        f"evil.local:{port}", f"127.0.0.1.nip.io:{port}", "", f"127.0.0.1.:{port}", f"localhost.:{port}",
        f"127.0.0.1:{port + 1}", "127.0.0.1", f"localhost.evil.com:{port}", f"x@127.0.0.1:{port}",
        f"127.0.0.1:{port}.evil.com", f"0.0.0.0:{port}", f"[::ffff:127.0.0.1]:{port}", f"2130706433:{port}",
        f"127.1:{port}", "evil.internal", f"127.0.0.1:0{port}",
    ):  # fmt: skip
        for path in ("/healthz", "/", "/v1/models"):
            yield Sent(f"{path} with Host {host!r}", target.get(path, Host=host))
    two = f"GET /healthz HTTP/1.1\r\nHost: {target.name}\r\nHost: evil.local\r\n\r\n"
    yield Sent("two Host headers", target.raw(two.encode()))
    yield Sent("HTTP/1.0 without Host", target.raw(b"GET /healthz HTTP/1.0\r\n\r\n"))
    yield Sent("HTTP/1.1 without Host", target.raw(b"GET /healthz HTTP/1.1\r\n\r\n"))


@probe("foreign pages: Origin and Fetch Metadata", 403)
def _origins(target: Target) -> Iterator[Sent]:
    for origin in (
        "null", "https://evil.example", f"http://127.0.0.1:{target.port + 1}", f"https://{target.name}",
        f"http://{target.name}.evil.example", f"http://evil.example:{target.port}", f"http://localhost:{target.port}",
        "file://", "chrome-extension://abcdefgh",
    ):  # fmt: skip
        yield Sent(
            f"Origin {origin}", target.send("POST", "/v1/login-links", b"", Origin=origin, Content_Length="0")
        )
        yield Sent(f"GET with Origin {origin}", target.get("/v1/models", Origin=origin))
    for site in ("cross-site", "same-site", "other"):
        yield Sent(f"Sec-Fetch-Site {site}", target.get("/v1/models", Sec_Fetch_Site=site))
        yield Sent(f"page, Sec-Fetch-Site {site}", target.get("/", Sec_Fetch_Site=site))


@probe("preflight gets no permission", 401, 403)
def _preflight(target: Target) -> Iterator[Sent]:
    for path in ("/v1/erase", "/v1/jobs", "/api/v1/inpaint"):
        status = target.send(
            "OPTIONS", path, b"", Origin="https://evil.example", Authorization="-",
            Access_Control_Request_Method="POST",
        )  # fmt: skip
        yield Sent(f"preflight of {path}", status)


@probe("missing and wrong secrets", 401)
def _secrets(target: Target) -> Iterator[Sent]:
    wrong = target.token[:-1] + ("A" if target.token[-1] != "A" else "B")
    for path in (
        "/v1/models",
        "/metrics",
        "/v1/limits",
        "/v1/jobs/j-0123456789abcdef",
        "/nothing",
        "/v2/models/x",
    ):
        for value in (
            "-", "Bearer", "Bearer ", f"Bearer {wrong}", f"Bearer {target.token}x", f"Token {target.token}",
            target.token, "Basic", "Basic !!!", "Basic dmFuaXNoZXI6d3Jvbmc=", "Bearer \xff\xfe", "Negotiate abc",
        ):  # fmt: skip
            yield Sent(f"{path} with Authorization {value!r:.30}", target.get(path, Authorization=value))
    cookie = f"vanisher-{target.port}=forged"
    yield Sent("forged cookie", target.get("/v1/models", Authorization="-", Cookie=cookie))
    yield Sent("broken cookie", target.get("/v1/models", Authorization="-", Cookie='a="\\777; ;;==\x01'))
    yield Sent("token in the address", target.get(f"/v1/models?token={target.token}", Authorization="-"))
    for path in (
        "/v1/erase",
        "/v1/jobs",
        "/v1/sessions",
        "/api/v1/inpaint",
        "/v1/login-links",
        "/v2/models/x/infer",
    ):
        yield Sent(f"POST {path} without token", target.send("POST", path, b"x", Authorization="-"))


@probe("login links: guessed and used", 303, 403)
def _links(target: Target) -> Iterator[Sent]:
    for code in ("x", "0" * 32, "%00", "a" * 8000):
        status = target.get(f"/login/{code}", Authorization="-")
        yield Sent(f"guessed code {code:.10}", status if status != 303 else 200)
    path = "/login/" + target.client.login_link().rpartition("/")[2]
    yield Sent("a fresh link", target.get(path, Authorization="-"))
    status = target.get(path, Authorization="-")
    yield Sent("the same link again", status if status != 303 else 200)


@probe("bodies past the limit", 400, 413, CLOSED)
def _bodies(target: Target) -> Iterator[Sent]:
    most = target.limits["bytes"]
    for path in ("/v1/erase", "/api/v1/inpaint", "/v2/models/inpaint-small/infer", "/v1/sessions"):
        head = f"POST {path} HTTP/1.1\r\nHost: {target.name}\r\nAuthorization: {target.bearer}\r\n"
        kind = "Content-Type: multipart/form-data; boundary=x\r\n"
        yield Sent(
            f"{path}: announced", target.raw(f"{head}{kind}Content-Length: {most + 1}\r\n\r\n".encode())
        )
        yield Sent(f"{path}: 10^30", target.raw(f"{head}{kind}Content-Length: 1{'0' * 30}\r\n\r\n".encode()))
    head = f"POST /v1/erase HTTP/1.1\r\nHost: {target.name}\r\nAuthorization: {target.bearer}\r\n{kind}"
    start = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    piece = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    pieces = [piece] * (most // 0x100000 + 2)
    first = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(start):x}\r\n".encode() + start + b"\r\n"
    yield Sent("chunked, no length", target.raw(first, *pieces))


@probe("malformed requests", 400, 401, 403, 404, 405, 408, 411, 413, 415, 421, 422, 431, 501, CLOSED)
def _malformed(target: Target) -> Iterator[Sent]:
    host = f"Host: {target.name}\r\nAuthorization: {target.bearer}\r\n"
    for what, data in {
        "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/0.9": b"GET /\r\n\r\n",
        "negative length": f"POST /v1/erase HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n".encode(),
        "length is no number": f"POST /v1/erase HTTP/1.1\r\n{host}Content-Length: 1_0\r\n\r\n".encode(),
        "two lengths": f"POST /v1/erase HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab".encode(),
        "length and chunks": f"POST /v1/erase HTTP/1.1\r\n{host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n".encode(),
        "bad chunk": f"POST /v1/erase HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
        "unknown encoding": f"POST /v1/erase HTTP/1.1\r\n{host}Transfer-Encoding: gzip\r\n\r\n".encode(),
        "NUL in a header": f"GET /v1/limits HTTP/1.1\r\n{host}X: a\0b\r\n\r\n".encode(),
        "folded header": f"GET /nothing HTTP/1.1\r\n{host}X: a\r\n b\r\n\r\n".encode(),
        "TRACE": f"TRACE / HTTP/1.1\r\n{host}\r\n".encode(),
        "CONNECT": f"CONNECT evil.example:443 HTTP/1.1\r\n{host}\r\n".encode(),
        "absolute target": f"GET http://evil.example/v1/limitsX HTTP/1.1\r\n{host}\r\n".encode(),
        "no boundary": f"POST /v1/erase HTTP/1.1\r\n{host}Content-Type: multipart/form-data\r\n"
        "Content-Length: 3\r\n\r\nabc".encode(),
        "method of 5000 letters": b"A" * 5000 + f" / HTTP/1.1\r\n{host}\r\n".encode(),
    }.items():
        yield Sent(what, target.raw(data))


@probe("header and form floods", 400, 413, 414, 422, 431, CLOSED)
def _floods(target: Target) -> Iterator[Sent]:
    start = f"GET /nothing HTTP/1.1\r\nHost: {target.name}\r\n"
    yield Sent("one header of 1 MB", target.raw(f"{start}X: {'a' * 1_000_000}\r\n\r\n".encode()))
    yield Sent("20000 headers", target.raw(start.encode() + b"X: a\r\n" * 20_000 + b"\r\n"))
    yield Sent("address of 200 kB", target.get("/" + "a" * 200_000))
    fields = {f"f{index}": "x" for index in range(3000)}
    yield Sent("3000 form fields", target.upload("/v1/erase", {"image": SMALL}, fields))
    yield Sent("a field of 5 MB", target.upload("/v1/erase", {"image": SMALL}, {"remove": "a" * 5_000_000}))
    files = {f"file{index}": b"x" for index in range(1500)}
    yield Sent("1500 files", target.upload("/v1/erase", files, {}))


@probe("decompression bombs", 413, 422)
def _bombs(target: Target) -> Iterator[Sent]:
    for what, data in {
        "PNG 65000 x 65000": png(65_000, 65_000, samples=bytes(1000)),
        "PNG 2147483647 x 2147483647": png(2**31 - 1, 2**31 - 1, samples=b""),
        "PNG 1 x 2147483647": png(1, 2**31 - 1, samples=b""),
        "JPEG 65500 x 65500": jpeg_head(65_500, 65_500),
        "TIFF 100000 x 100000": tiff_head(100_000, 100_000),
        "TIFF 4294967295 x 4294967295": tiff_head(2**32 - 1, 2**32 - 1),
        "WebP 16384 x 16384": webp_head(16_384, 16_384),
    }.items():
        for path in ("/v1/sessions", "/v1/segment"):
            yield Sent(f"{what} to {path}", target.upload(path, {"image": data}, {"classes": "person"}))
        mask = target.upload("/v1/erase", {"image": SMALL, "mask": data}, {})
        yield Sent(f"{what} as a mask", mask)


@probe("compressed metadata and samples beyond the picture that inflate", 201, 413, 422)
def _metadata(target: Target) -> Iterator[Sent]:
    packed = zlib.compress(bytes(100_000_000))
    yield Sent(
        "samples", target.upload("/v1/sessions", {"image": png(64, 64, samples=bytes(100_000_000))}, {})
    )
    for kind in (b"zTXt", b"iCCP"):
        extra = _chunk(kind, b"name\0\0" + packed)
        yield Sent(kind.decode(), target.upload("/v1/sessions", {"image": png(16, 16, extra)}, {}))
    extra = _chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed)
    yield Sent("iTXt", target.upload("/v1/sessions", {"image": png(16, 16, extra)}, {}))


@probe("strange, truncated and mislabelled files", 413, 415, 422)
def _files(target: Target) -> Iterator[Sent]:
    for what, data in {
        "empty": b"", "text": b"hello", "GIF": b"GIF89a" + bytes(50), "PDF": b"%PDF-1.7\n",
        "PSD": b"8BPS\0\1" + bytes(50),
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n", "FITS": b"SIMPLE  =                    T" + bytes(80),
        "BMP": b"BM" + bytes(60),
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "ZIP": b"PK\x03\x04" + bytes(50), "truncated PNG": SMALL[:40], "PNG without data": SMALL[:33],
        "JPEG 16 x 16 without data": jpeg_head(16, 16)[:30], "TIFF without strip": tiff_head(16, 16)[:40],
        "TIFF whose directory is itself": b"II*\0\4\0\0\0" + bytes(8), "WebP cut": webp_head(16, 16)[:20],
        "RIFF of another kind": b"RIFF\x10\0\0\0AVI LIST", "HEIC": b"\0\0\0\x18ftypheic" + bytes(40),
        "EXR": b"\x76\x2f\x31\x01" + bytes(40), "address": b"http://127.0.0.1/a.png", "path": b"/etc/passwd",
        "shell": b"#!/bin/sh\nid\n", "pickle": b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x05posix\x94.",
        "ImageMagick script": b"push graphic-context\nviewbox 0 0 1 1\nfill 'url(https://evil.example/)'\n",
    }.items():  # fmt: skip
        yield Sent(what, target.upload("/v1/sessions", {"image": data}, {}))
    yield Sent("address as image field", target.upload("/v1/erase", {}, {"image": "http://127.0.0.1/a.png"}))


@probe("polyglots are pictures and nothing else", 201, 422)
def _polyglots(target: Target) -> Iterator[Sent]:
    html = _chunk(b"tEXt", b"Comment\0<html><script>alert(1)</script>")
    for what, data in {
        "PNG with a page in it": png(16, 16, html), "PNG and ZIP": SMALL + b"PK\x05\x06" + bytes(18),
        "PNG and program": SMALL + b"\x7fELF" + bytes(100), "PNG twice": SMALL + SMALL,
    }.items():  # fmt: skip
        yield Sent(what, target.upload("/v1/sessions", {"image": data}, {}))


@probe("deep and wrong JSON", 400, 404, 413, 422)
def _json(target: Target) -> Iterator[Sent]:
    deep = b"[" * 200_000
    bodies = {
        "deep list": deep, "deep object": b'{"a":' * 100_000, "not UTF-8": b'{"image":"\xff\xfe"}',
        "NaN": b'{"sd_seed":NaN}',
        "large number": b'{"sd_seed":1' + b"0" * 5000 + b',"image":"","mask":""}', "a list": b"[]", "nothing": b" ",
        "a path for image": b'{"image":"/etc/passwd","mask":"file:///etc/passwd"}',
        "an address for image": b'{"image":"http://127.0.0.1:1/","mask":"http://127.0.0.1:1/"}',
        "shape of 10^18": b'{"inputs":[{"name":"rgb","datatype":"FP32","shape":[1,999999999,999999999,3],"data":[]}]}',
        "negative shape": b'{"inputs":[{"name":"rgb","datatype":"FP32","shape":[1,-1,-1,3],"data":[1]}]}',
        "strange datatype": b'{"inputs":[{"name":"rgb","datatype":"BYTES","shape":[1],"data":["x"]}]}',
        "deep data": b'{"inputs":[{"name":"rgb","datatype":"UINT8","shape":[1],"data":' + deep + b"}]}",
    }  # fmt: skip
    for what, body in bodies.items():
        for path in ("/api/v1/inpaint", "/v2/models/inpaint-small/infer", "/v2/models/nothing/infer"):
            yield Sent(f"{what} to {path}", target.send("POST", path, body, Content_Type="application/json"))
        path = "/v1/sessions/s-0123456789abcdef"
        yield Sent(f"{what} to {path}", target.send("PATCH", path, body, Content_Type="application/json"))
    head = json.dumps({"inputs": [{"name": "rgb", "datatype": "UINT8", "shape": [1, 4, 4, 3],
                                   "parameters": {"binary_data_size": 48}}]}).encode()  # fmt: skip
    for length in ("99999999999", str(len(head)), "5"):
        status = target.send(
            "POST", "/v2/models/segment-person/infer", head, Inference_Header_Content_Length=length
        )
        yield Sent(f"binary tensors that are not there, header length {length}", status)


@probe("paths", 400, 404, 405, 422)
def _paths(target: Target) -> Iterator[Sent]:
    for path in (
        "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/%252e%252e/etc/passwd",
        "//etc/passwd",
        "/..\\..\\windows\\win.ini", "/%00", "/index.html%00.png", "/.git/config", "/page/../auth.py", "/auth.py",
        "/css/../../auth.py", "/modules/%2e%2e/%2e%2e/token", "/C:/windows/win.ini", "/con.js", "/%ff%fe.js",
        "/v1/jobs/..%2f..%2ftoken", "/v1/jobs/j-../../../../etc/ab", "/v1/sessions/s-/etc/passwd/versions/0/file",
        "/v1/sessions/%2e%2e/versions/0/file", "/v2/models/..%2f..%2fx", "/v2/models/inpaint-small%2f..%2fx",
        "/v1/sessions/s-0123456789abcdef/versions/-1/view", "/v1/sessions/s-0123456789abcdef/versions/1e9/file",
    ):  # fmt: skip
        yield Sent(path, target.get(path))


@probe("file names that look like paths", 201)
def _names(target: Target) -> Iterator[Sent]:
    for name in (
        "../../../../tmp/evil.png",
        "/etc/cron.d/evil",
        "a\\..\\b",
        "|id",
        "con",
        "x" * 500,
        "%00",
        "a;b='c",
    ):
        head = f'--x\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'.encode()
        body = head + SMALL + b"\r\n--x--\r\n"
        kind = "multipart/form-data; boundary=x"
        yield Sent(name[:30], target.send("POST", "/v1/sessions", body, Content_Type=kind))


@probe("slow senders", 408, CLOSED)
def _slow(target: Target) -> Iterator[Sent]:
    """A dribbled head, a head that never ends, and a body that stops; the daemon answers others meanwhile."""
    dribbles = [target.connect() for _ in range(20)]
    try:
        for connection in dribbles:
            connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {target.name}\r\nX-".encode())
        if not target.is_well():
            yield Sent("daemon while twenty dribble", 599)
        head = f"POST /v1/erase HTTP/1.1\r\nHost: {target.name}\r\nAuthorization: {target.bearer}\r\n"
        kind = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x\r\n"
        yield Sent("body that stops", target.raw(f"{head}{kind}".encode()))
        for connection in dribbles:
            yield Sent("dribbled head", _dribble(connection))
    finally:
        for connection in dribbles:
            connection.close()


def _dribble(connection: object, seconds: float = 40.0) -> int:
    """Sends a letter now and then until the daemon hangs up; 599 if it never does."""
    import socket

    assert isinstance(connection, socket.socket)
    connection.settimeout(0.2)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            connection.sendall(b"a")
            if connection.recv(1024) == b"":
                return CLOSED
        except TimeoutError:
            continue
        except OSError:
            return CLOSED
    return 599
