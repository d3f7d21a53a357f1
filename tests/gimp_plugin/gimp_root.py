"""A real GIMP for the tests: a Debian root in a folder of its own, built once by mmdebstrap.

    python -m tests.gimp_plugin.gimp_root            builds what is missing (a minute or two each) and says where
    python -m tests.gimp_plugin.gimp_root trixie     one of them

trixie has GIMP 3.0, forky GIMP 3.2; both get Xvfb, a window manager and xdotool, so that the window's tests use the
same roots. The host gets nothing. Needs root (chroot), mmdebstrap and a Debian mirror, which is the one that the
host's own apt uses. The folder is `VANISHER_GIMP_ROOTS`, else `~/.cache/vanisher/gimp`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUITES = {"trixie": "3.0", "forky": "3.2"}
"""Debian suite and the GIMP in it."""

PACKAGES = (
    "gimp", "gir1.2-gimp-3.0", "python3", "python3-gi",
    "xvfb", "xauth", "xdotool", "imagemagick", "openbox", "dbus", "fonts-dejavu-core",
)  # fmt: skip

LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")

BUILD_SECONDS = 1800.0

FOLDER = os.environ.get("VANISHER_GIMP_ROOTS") or "~/.cache/vanisher/gimp"
"""Read when the tests are collected: they run without any VANISHER_* variable."""


CHROOT = shutil.which("chroot", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
"""The command; many a PATH lacks the folder it lies in."""


class NoRoot(Exception):
    """This machine cannot have a GIMP root; the message says why."""


@dataclass(frozen=True)
class Gimp:
    """A GIMP in a root.

    Attributes:
        root: its folder.
        version: such as 3.0.
    """

    root: Path
    version: str

    def popen(self, command: Sequence[str], env: dict[str, str], **options: Any) -> subprocess.Popen[bytes]:
        """Starts a command inside, in a session of its own; all paths are inside's."""
        pairs = [f"{name}={value}" for name, value in {**INSIDE, **env}.items()]
        line = [str(CHROOT), str(self.root), "/usr/bin/env", "-i", *pairs, *command]
        return subprocess.Popen[bytes](line, stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def batch(self, script: str, env: dict[str, str], log: Path, timeout: float) -> int:
        """Runs a Python file in a GIMP without windows.

        Args:
            script: the file, inside; its exception becomes exit status 64.
            env: environment of GIMP and its plug-ins.
            log: takes stdout and stderr.
            timeout: seconds after which GIMP is killed (status -9).

        Returns:
            The exit status.
        """
        code = f'exec(compile(open("{script}").read(), "{script}", "exec"))'
        command = ["gimp-console", "-id", "--batch-interpreter", "python-fu-eval", "-b", code, "--quit"]
        with log.open("wb") as file:
            process = self.popen(command, env, stdout=file, stderr=file)
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired:
                return -9
            finally:
                end_session(process)


INSIDE = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
"""Environment of every command in a root; nothing of the host's."""


def gimp(suite: str) -> Gimp:
    """A GIMP of a suite; its root is built when it is missing.

    Raises:
        NoRoot: no chroot, not root, no mmdebstrap, or the build failed.
    """
    if CHROOT is None:
        raise NoRoot("a real GIMP needs the command chroot (on Debian: /usr/sbin/chroot, package coreutils)")
    root = folder() / suite
    if not (root / ".ready").exists():
        _build(suite, root)
    if os.geteuid() != 0:
        raise NoRoot("a real GIMP needs chroot, and so a run as root")
    return Gimp(root, SUITES[suite])


def folder() -> Path:
    """Where the roots are."""
    return Path(FOLDER).expanduser()


def _build(suite: str, root: Path) -> None:
    if os.geteuid() != 0:
        raise NoRoot("a real GIMP needs chroot, and so a run as root")
    if shutil.which("mmdebstrap") is None:
        raise NoRoot("mmdebstrap is missing: apt-get install mmdebstrap")
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once build it once
        if (root / ".ready").exists():
            return
        shutil.rmtree(root, ignore_errors=True)
        done = subprocess.run(
            _command(suite, root), capture_output=True, text=True, timeout=BUILD_SECONDS, errors="replace",
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise NoRoot(f"mmdebstrap could not build {suite}:\n{done.stderr[-2000:]}")
        (root / ".ready").touch()


def _command(suite: str, root: Path) -> list[str]:
    options = ['--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"']
    for name in ("Acquire::Check-Valid-Until", "Acquire::Check-Date"):
        value = _first_line(["apt-config", "dump", "--format", "%v%n", name])
        options += [f'--aptopt={name} "{value}"'] if value else []
    options += [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
    options += ["--dpkgopt=path-include=/usr/share/doc/*/copyright", "--dpkgopt=force-unsafe-io"]
    packages = f"--include={','.join(PACKAGES)}"
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=essential",
        *options,
        packages,
        suite,
        str(root),
        _mirror(),
    ]


def _mirror() -> str:
    """The Debian archive that the host's apt uses."""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"]
    uri = _first_line([*wanted, "Origin: Debian", "Component: main"])
    if not uri:
        raise NoRoot("the host's apt knows no Debian archive (apt-get update was never run?)")
    return uri


def _first_line(command: list[str]) -> str:
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return lines[0].strip()


def end_session(process: subprocess.Popen[bytes]) -> None:
    """Ends a command in a root with everything it started (GIMP's own helper processes)."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main(suites: Sequence[str]) -> int:
    """Builds roots and prints where they are."""
    for suite in suites or SUITES:
        found = gimp(suite)
        print(f"GIMP {found.version}: {found.root}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
