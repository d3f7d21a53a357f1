"""What a real GIMP does when the daemon is absent, dies, hangs, lies or has no room: it says a sentence.

One GIMP start per version meets all faults, one after the other; the host arranges each of them when its turn comes.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.gimp_plugin.conftest import Job
from tests.gimp_plugin.impostors import impostors
from tests.local_server.daemons import ROOT, Daemon, answering, running

START = """#!/bin/sh
env > {folder}/started-with
: > {folder}/please
exec sleep 60
"""

FAULTS = {
    "absent": "does not know how to start it",
    "command-missing": "could not be started from GIMP (No such file",
    "command-fails": "could not be started from GIMP (the port is taken)",
    "left-behind": "does not know how to start it",
    "noise": "is not Vanisher",
    "a-web-server": "is not Vanisher",
    "another-service": "is not Vanisher",
    "mute": "no sign of life for 2 seconds",
    "job-without-name": "is not Vanisher",
    "events-garbage": "is not Vanisher",
    "events-break-off": "ended while it worked",
    "result-garbage": "no picture that this plug-in can read",
    "another-version": "has version 7.1 and GIMP's plug-in 0.1.0",
    "version-in-the-file": "has version 3.0.0",
    "nobody-listens": "cannot be reached",
    "readable-by-others": "so it is not trusted",
    "settings-damaged": "vanisher.json is damaged",
    "wrong-token": "does not accept this user's token",
    "full-disk": "disk",
    "worker-killed": "SIGKILL",
    "cancelled": "",
    "hangs-in-mid-job": "no sign of life for 4 seconds",
    "killed-in-mid-job": "ended while it worked",
    "started-by-the-plug-in": None,
}
"""Fault -> part of the sentence; None: it has to work all the same."""

LONG = ("worker-killed", "cancelled", "hangs-in-mid-job", "killed-in-mid-job")

PATIENCE = {"mute": 2, "hangs-in-mid-job": 4}


class Stage:
    """Arranges the faults for one GIMP."""

    def __init__(self, job: Job, stack: ExitStack) -> None:
        self.job, self.stack = job, stack
        self.victim = self._daemon("victim")
        self.ended: dict[str, int] = {}
        self.seen: set[str] = set()

    def _daemon(self, name: str) -> Daemon:
        folder = self.job.folder / name
        folder.mkdir()
        return self.stack.enter_context(running(folder))

    def settings(self, name: str) -> str:
        """What `vanisher.json` says while a fault is on."""
        if name == "settings-damaged":
            return "{"
        inside = self.job.inside
        state = (
            "victim/state" if name in LONG else "victim-forged" if name == "wrong-token" else f"states/{name}"
        )
        values: dict[str, Any] = {"state": f"{inside}/{state}", "patience": PATIENCE.get(name, 25)}
        commands = {
            "command-missing": ["/nowhere/vanisher", "serve"],
            "command-fails": ["/bin/sh", "-c", "echo; echo the port is taken >&2; exit 1"],
            "started-by-the-plug-in": ["/bin/sh", f"{inside}/start.sh"],
        }
        return json.dumps({**values, "command": commands[name]} if name in commands else values)

    def prepare(self) -> None:
        """Everything that can be there from the beginning."""
        states = self.job.folder / "states"
        self.stack.enter_context(impostors(states))
        self._lonely(states / "left-behind", locked=False)
        self._lonely(states / "version-in-the-file", version="3.0.0")
        self._lonely(states / "nobody-listens")
        self._lonely(states / "readable-by-others", mode=0o644)
        forged = self.job.folder / "victim-forged"
        forged.mkdir()
        values = json.loads((self.victim.state / "daemon.json").read_text())
        _private(forged / "daemon.json", {**values, "token": "y" * 43})
        os.link(self.victim.state / "daemon.lock", forged / "daemon.lock")
        (self.job.folder / "start.sh").write_text(START.format(folder=self.job.inside))
        self._narrow(states / "full-disk")

    def _lonely(self, state: Path, locked: bool = True, version: str = "0.1.0", mode: int = 0o600) -> None:
        from tests.gimp_plugin.impostors import announce

        lock = announce(state, 9, version=version, mode=mode)
        if locked:
            self.stack.callback(os.close, lock)
        else:
            os.close(lock)

    def _narrow(self, state: Path) -> None:
        """A daemon that may write no file of more than 40 KB, as if its disk were full."""
        log = state.parent / "narrow.log"
        command = [
            "prlimit",
            "--fsize=40000",
            sys.executable,
            "-m",
            "local_server",
            "--port",
            "0",
            "--state",
            str(state),
        ]
        with log.open("wb") as file:
            process = subprocess.Popen[bytes](
                command,
                stdout=file,
                stderr=file,
                cwd=state.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        answering(state, process, log)

    def play(self) -> None:
        """Does what has to be done when a fault's turn has come; runs beside GIMP."""
        acts: dict[str, Callable[[], None]] = {
            "worker-killed": self._kill_worker,
            "cancelled": self._kill_plug_in,
            "hangs-in-mid-job": self._stop,
            "killed-in-mid-job": self._kill_daemon,
            "started-by-the-plug-in": self._start,
        }
        for name, act in acts.items():
            if not self._wait(lambda name=name: self._at() in (name, "end")):
                return
            if name == "hangs-in-mid-job":
                self._note_cancelled()
            act()

    def _at(self) -> str:
        path = self.job.folder / "at"
        return path.read_text() if path.exists() else ""

    def _wait(self, ready: Callable[[], object]) -> bool:
        end = time.monotonic() + 600
        while not ready() and time.monotonic() < end:
            time.sleep(0.05)
        return bool(ready())

    def _mid_job(self) -> None:
        """Waits until the victim's worker is erasing: it burns processor time, which starting does not long."""
        spool = self.victim.state / "spool"
        self._wait(lambda: {path.name for path in spool.iterdir()} - self.seen)
        self.seen |= {path.name for path in spool.iterdir()}
        self._wait(lambda: self._workers())
        worker = self._workers()[0]
        before = sum(worker.cpu_times()[:2])
        self._wait(lambda: not worker.is_running() or sum(worker.cpu_times()[:2]) > before + 0.3)

    def _workers(self) -> list[psutil.Process]:
        return psutil.Process(self.victim.process.pid).children()

    def _kill_worker(self) -> None:
        self._mid_job()
        for worker in self._workers():
            worker.kill()

    def _kill_plug_in(self) -> None:
        """What GIMP's Cancel button does."""
        self._mid_job()
        mark = f"{self.job.inside}/profile/plug-ins/vanisher/vanisher.py"
        for process in psutil.process_iter(["cmdline"]):
            if mark in (process.info["cmdline"] or []):
                process.kill()

    def _note_cancelled(self) -> None:
        """How the victim's jobs have ended so far."""

        def cancelled() -> int:
            text = self.victim.client.request("GET", "/metrics")[1].decode()
            rows = [
                line
                for line in text.splitlines()
                if line.startswith("vanisher_jobs_total") and "cancelled" in line
            ]
            return sum(int(float(line.rsplit(" ", 1)[1])) for line in rows)

        self._wait(cancelled)
        self.ended["cancelled"] = cancelled()

    def _stop(self) -> None:
        self._mid_job()
        self.victim.process.send_signal(signal.SIGSTOP)
        self._wait(lambda: self._at() != "hangs-in-mid-job")
        self.victim.process.send_signal(signal.SIGCONT)

    def _kill_daemon(self) -> None:
        self._mid_job()
        self.victim.process.kill()

    def _start(self) -> None:
        self._wait((self.job.folder / "please").exists)
        daemon = self._daemon("late")
        link = replace(self.job, folder=self.job.folder / "states")
        link.know(daemon)
        (link.folder / "state").rename(link.folder / "started-by-the-plug-in")


def _private(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


@pytest.fixture(scope="session")
def fates(job: Job) -> Iterator[dict[str, Any]]:
    """What became of every call."""
    with ExitStack() as stack:
        stage = Stage(job, stack)
        stage.prepare()
        told = [{"name": name, "settings": stage.settings(name), "long": name in LONG} for name in FAULTS]
        (job.folder / "faults.json").write_text(json.dumps(told))
        (job.folder / "at").unlink(missing_ok=True)
        player = threading.Thread(target=stage.play, daemon=True)
        player.start()
        status = job.run("faults.py", LD_LIBRARY_PATH="/opt/lib-of-a-bundle")
        log = job.log.read_text(errors="replace")
        (job.folder / "at").write_text("end")
        assert status == 0, log[-4000:]
        player.join(60)
        results = json.loads((job.folder / "results.json").read_text())
        started = (job.folder / "started-with").read_text()
        yield {**results, "log": log, "ended": stage.ended, "environment": started}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_a_sentence_and_nothing_else(name: str, fates: dict[str, Any]) -> None:
    fate, sentence = fates[name], FAULTS[name]
    assert fate["worked"] == (sentence is None), fate
    assert (sentence or "") in fate["says"]
    assert fate["unchanged"] and fate["undo closed"]
    assert "Traceback" not in fate["says"] and "Error(" not in fate["says"]


def test_cancelling_in_gimp_cancels_the_job(fates: dict[str, Any]) -> None:
    """The plug-in is killed by GIMP and can say nothing; its watchdog does."""
    assert fates["ended"]["cancelled"] == 1


def test_the_daemon_inherits_nothing_of_gimps_own_libraries(fates: dict[str, Any]) -> None:
    assert "LD_LIBRARY_PATH" not in fates["environment"]


def test_no_undo_group_was_left_open_and_no_bug_met(fates: dict[str, Any]) -> None:
    assert "inconsistent state" not in fates["log"]
    assert "Traceback" not in fates["log"]
