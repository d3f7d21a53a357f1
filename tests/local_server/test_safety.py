"""The attack suite against a real daemon, and what keeps secrets and doors."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local_server import attack_probes, page
from local_server.attack import Probe, Target, run
from local_server.attack_probes import PROBES
from local_server.auth import Keys
from local_server.client import Client
from local_server.discovery import Address, Folder
from local_server.problems import Problem
from local_server.serve import serve
from local_server.settings import load
from tests.local_server.daemons import ROOT, Daemon, encoded, hole, picture, running
from vanisher_core import cli
from vanisher_core.errors import UsageError


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_an_attack_is_withstood(client: Client, probe: Probe) -> None:
    (finding,) = run(Target(client), [probe])
    assert finding.requests and not finding.wrong


def test_doctor_attacks_the_daemon_that_runs(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(attack_probes, "PROBES", PROBES[:1])
    monkeypatch.setenv("VANISHER_STATE", str(daemon.state))
    assert cli.main(["doctor", "--attack", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and told["probes"][0]["requests"] > 0
    monkeypatch.setenv("VANISHER_STATE", str(tmp_path))
    assert cli.main(["doctor", "--attack"]) != 0
    assert "vanisher serve" in capsys.readouterr().err


def test_the_suite_bites(client: Client) -> None:
    """A probe whose expectation is not met is found out."""
    (finding,) = run(Target(client), [Probe("planted", frozenset({200}), PROBES[0].run)])
    assert finding.wrong


def test_the_log_of_all_this_names_no_error(daemon: Daemon) -> None:
    assert '"event": "unexpected' not in daemon.log.read_text(errors="replace")


def test_a_login_link_works_once_and_its_cookie_only_from_the_page_itself(client: Client) -> None:
    target = Target(client)
    code = client.login_link().rpartition("/")[2]
    with socket.create_connection((target.host, target.port)) as connection:
        connection.sendall(
            f"GET /login/{code} HTTP/1.1\r\nHost: {target.name}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = connection.makefile("rb").read().decode()
    cookie = next(line for line in answer.split("\r\n") if line.lower().startswith("set-cookie:"))
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    value = cookie.partition(":")[2].partition(";")[0].strip()
    own = f"http://{target.name}"
    assert target.get("/v1/limits", Authorization="-", Cookie=value) == 200
    assert target.get("/v1/limits", Authorization="-", Cookie=value, Sec_Fetch_Site="same-site") == 403
    post = {"Authorization": "-", "Cookie": value, "Content_Length": "0"}
    assert target.send("POST", "/v1/login-links", b"", **post) == 401
    assert target.send("POST", "/v1/login-links", b"", **post, Origin=own) == 201
    assert target.send("POST", "/v1/login-links", b"", **post, Origin="null") == 403
    assert target.get(f"/login/{code}") == 403


def test_links_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys("t", 1)
    code = keys.new_link()
    monkeypatch.setattr("local_server.auth.time.monotonic", lambda: 1e12)
    with pytest.raises(Problem, match="too old"):
        keys.use_link(code)


def test_page_files_are_served_with_a_policy_and_nothing_else_is(client: Client, tmp_path: Path) -> None:
    for name in (
        "/../settings.py",
        "/auth.py",
        "/page.py",
        "/..",
        "/.",
        "/css",
        "//index.html",
        "/index.html/",
        "",
    ):
        assert page.find(name) is None or name == "", name
    for path in page.FOLDER.rglob("*"):
        if path.suffix in page.KINDS:
            headers, data = client.request("GET", "/" + path.relative_to(page.FOLDER).as_posix())
            assert data == path.read_bytes() and "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            break


def test_state_files_are_private(daemon: Daemon) -> None:
    assert stat.S_IMODE(daemon.state.stat().st_mode) == 0o700
    for name in ("daemon.json", "token", "daemon.lock"):
        assert stat.S_IMODE((daemon.state / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((daemon.state / "spool").stat().st_mode) == 0o700


def test_a_second_start_finds_the_first(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(load(state=daemon.state)) == 0
    said = capsys.readouterr().out
    assert "runs already" in said and f"{daemon.client.address.url}/login/" in said


def test_two_starts_at_once_make_one_daemon(tmp_path: Path) -> None:
    folders = [Folder(tmp_path / "state") for _ in range(8)]
    won: list[bool] = []
    threads = [threading.Thread(target=lambda folder=folder: won.append(folder.lock())) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_an_announced_address_without_a_lock_is_no_daemon(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.announce(Address("http://127.0.0.1:1", "127.0.0.1", 1, "t", os.getpid()))
    assert folder.running() is None
    assert folder.lock() and not (tmp_path / "daemon.json").exists()
    folder.unlock()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_a_public_address_needs_a_word(host: str) -> None:
    with pytest.raises(UsageError, match="--public"):
        load({}, host=host)
    assert load({}, host=host, public=True).host == host


@pytest.mark.parametrize(
    ("name", "text"), [("PORT", "abc"), ("QUEUE", "0"), ("PUBLIC", "maybe"), ("PORT", "70000")]
)
def test_settings_that_do_not_fit_are_named(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        load({f"VANISHER_{name}": text})


def test_it_works_and_calls_nobody_with_sockets_blocked(tmp_path: Path) -> None:
    """A daemon in which every connection and name look-up raises, and the libraries' own hooks see the attempts."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto', 'socket.gethostbyname'):\n"
        "        sys.stderr.write(f'TRIED {event} {arguments[1:]}\\n'); sys.stderr.flush()\n"
        "        raise OSError('no network here')\n"
        "sys.addaudithook(hook)\n"
    )
    state, log = tmp_path / "state", tmp_path / "log"
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }
    command = [sys.executable, "-m", "local_server", "--port", "0", "--state", str(state)]
    from tests.local_server.daemons import answering

    with (
        log.open("ab") as file,
        subprocess.Popen(command, stdout=file, stderr=file, env=environment) as process,
    ):
        try:
            client = answering(state, process, log)
            assert client.erase(encoded(picture()), mask=encoded(hole())).data
            assert client.segment(encoded(picture())).data
            assert client.get_json("/readyz")["ready"]
        finally:
            process.terminate()
    assert "TRIED" not in log.read_text()


def test_the_seal_holds() -> None:
    code = (
        "import socket; from local_server.seal import seal; seal(loopback=False)\n"
        "attempts = (lambda: socket.create_connection(('127.0.0.1', 9)), lambda: socket.getaddrinfo('a.example', 1))\n"
        "for attempt in attempts:\n"
        "    try:\n        attempt()\n    except PermissionError as error:\n        print(error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.count("Vanisher") == 2


def test_the_daemon_itself_holds_no_pixels(daemon: Daemon) -> None:
    """Neither numpy nor torch nor Pillow is in the process that speaks HTTP."""
    maps = Path(f"/proc/{daemon.process.pid}/maps")
    code = "import sys, local_server.app, local_server.serve; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"numpy", "torch", "PIL", "cv2", "numba"} & set(shown.stdout.split())
    if maps.exists():
        assert "numpy" not in maps.read_text() and "torch" not in maps.read_text()


def test_a_start_in_a_hostile_folder_runs_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('taken over')")
    with running(tmp_path) as daemon:
        assert daemon.client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar").data
