"""A GIMP with its windows on a screen of its own: keys go in, screenshots and the image's state come out.

Everything runs inside the root: Xvfb, a window manager (without one xdotool's keys go nowhere), GIMP, and in GIMP
`inside/observer.py`, which tells what becomes of the image.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from gimp_plugin import installer
from tests.gimp_plugin.gimp_root import CHROOT, INSIDE, Gimp, end_session

SCREEN = (1024, 700)

SHOTS = Path(__file__).parents[2] / "runs" / "gimp-window"
"""Where the screenshots stay, for whoever looks after the tests (in continuous integration: an artefact)."""

START_SECONDS = 300.0
"""GIMP asks each of its plug-ins at the first start: 10 s on a quiet machine, a minute on a busy one."""
STEP_SECONDS = 180.0
"""For one step; the first erasure loads the models."""

GIMPRC = """\
(config-version "{version}")
(show-welcome-dialog no)
(check-updates no)
(marching-ants-speed 10000)
"""
"""Anything but the exact version brings the welcome dialog; ants that march make every look at the screen another."""

KNOWN_PLUG_INS = ".pluginrc"
"""In a root: what GIMP's own plug-ins said at the first start; a new profile with it starts in a tenth of the time."""


NO_SANDBOX = """\
#!/bin/sh
while [ $# -gt 0 ]; do
    case "$1" in /usr/libexec/*|/usr/bin/*) exec "$@" ;; esac
    shift
done
"""
"""A bwrap that only starts its command. GTK of forky loads its icons in a sandbox of namespaces, which most containers
may not have, and by way of /proc; without either GIMP aborts at its first icon."""

WITH_PROC = ("unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0" && exec "$@"')
"""Runs a command with a /proc in a root that only it sees; needs the right to mount."""


class Window:
    """A running GIMP.

    Attributes:
        gimp: the root that it runs in.
        job: its folder, seen from outside; inside it is `inside`.
        profile: GIMP's profile folder.
    """

    def __init__(self, gimp: Gimp, job: Path, environment: dict[str, str]) -> None:
        self.gimp, self.job, self._environment = gimp, job, environment
        self.profile = job / "config"

    @property
    def state(self) -> dict[str, Any]:
        """What the observer saw last."""
        return json.loads((self.job / "state.json").read_text(encoding="utf-8"))

    def visible(self) -> np.ndarray:
        """The image as it is seen: HxWx4 uint8."""
        with Image.open(self.job / "photo.png") as photo:
            width, height = photo.size
        data = (self.job / f"look-{self.state['look']}.raw").read_bytes()
        return np.frombuffer(data, np.uint8).reshape(height, width, 4)

    def catch_up(self) -> None:
        """Waits until the observer has seen the image as it is now."""
        wanted = self.state["round"] + 2  # the round in work may have begun before
        self.until(lambda: self.state["round"] >= wanted, "the observer's word")

    def press(self, *names: str) -> None:
        """Presses keys; GIMP takes them in their order, however late."""
        self._run("xdotool", "key", *names)

    def press_and_see(self, *names: str) -> None:
        """Presses keys and waits until the screen is another one, and still."""
        before = self.screen()
        self.press(*names)
        self.until(lambda: not np.array_equal(self.screen(), before), f"an effect of {' '.join(names)}")
        self.settle()

    def has_window(self, title: str) -> bool:
        """Whether a window with this in its title is on the screen."""
        return bool(self._run("xdotool", "search", "--onlyvisible", "--name", title).strip())

    def screen(self) -> np.ndarray:
        """The whole screen: HxWx3 uint8."""
        self._run("import", "-silent", "-window", "root", "-depth", "8", f"rgb:{self.inside}/screen")
        return np.fromfile(self.job / "screen", np.uint8).reshape(*SCREEN[::-1], 3)

    def shoot(self, name: str) -> np.ndarray:
        """Keeps a screenshot as a step of the story; its samples."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        screen = self.screen()
        Image.fromarray(screen).save(SHOTS / f"{self.gimp.version}-{name}.png")
        return screen

    def settle(self) -> None:
        """Waits until two looks at the screen are the same."""
        looks = [self.screen()]

        def same() -> bool:
            looks.append(self.screen())
            return np.array_equal(looks[-1], looks[-2])

        self.until(same, "a still screen")

    def until(self, condition: Callable[[], object], what: str, seconds: float = STEP_SECONDS) -> None:
        """Waits for a condition.

        Raises:
            AssertionError: it did not come; the screen is kept as `missing`.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                self.shoot("missing")
                log = (self.job / "log").read_text(errors="replace")[-2000:]
                raise AssertionError(f"{what} did not come within {seconds:.0f} s; see {SHOTS}\n{log}")
            time.sleep(0.05)

    @property
    def inside(self) -> str:
        """The job's folder, seen from inside."""
        return "/" + str(self.job.relative_to(self.gimp.root))

    def _run(self, *command: str) -> str:
        process = self.gimp.popen(
            command, self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return process.communicate()[0].decode(errors="replace")


@contextmanager
def job_folder(gimp: Gimp) -> Iterator[Path]:
    """A folder inside a root that goes with the block."""
    place = gimp.root / "job"
    place.mkdir(exist_ok=True)
    job = Path(tempfile.mkdtemp(prefix="window-", dir=place))
    try:
        yield job
    finally:
        shutil.rmtree(job, ignore_errors=True)


@contextmanager
def open_window(
    gimp: Gimp, job: Path, state: Path, photo: np.ndarray, selection: list[int]
) -> Iterator[Window]:
    """A GIMP that shows a picture with a rectangle selected, with the plug-in as the installer puts it there.

    Args:
        gimp: the root.
        job: folder inside the root.
        state: of the daemon, inside the root too.
        photo: HxWx3 uint8.
        selection: left, top, width, height.
    """
    inside = "/" + str(job.relative_to(gimp.root))
    profile = job / "config"
    profile.mkdir()
    (profile / "gimprc").write_text(GIMPRC.format(version=exact_version(gimp)), encoding="utf-8")
    if (gimp.root / KNOWN_PLUG_INS).exists():
        shutil.copy(gimp.root / KNOWN_PLUG_INS, profile / "pluginrc")
    (report,) = installer.install(profile)
    assert report.seen, report
    configure(profile, state="/" + str(state.relative_to(gimp.root)))
    (job / "bin").mkdir()
    (job / "bin" / "bwrap").write_text(NO_SANDBOX, encoding="utf-8")
    (job / "bin" / "bwrap").chmod(0o755)
    Image.fromarray(photo).save(job / "photo.png")
    (job / "scene.json").write_text(json.dumps({"selection": selection}), encoding="utf-8")
    shutil.copy(Path(__file__).parent / "inside" / "observer.py", job)
    with ExitStack() as stack, (job / "log").open("wb") as log:

        def start(command: list[str], environment: dict[str, str], **options: Any) -> subprocess.Popen[bytes]:
            process = gimp.popen(command, environment, **{"stdout": log, "stderr": log, **options})
            stack.callback(end_session, process)
            return process

        size = f"{SCREEN[0]}x{SCREEN[1]}x24"
        server = start(
            ["Xvfb", "-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp"], {}, stdout=subprocess.PIPE
        )
        assert server.stdout is not None
        stack.callback(server.stdout.close)
        display = server.stdout.readline().decode().strip()
        environment = {
            "DISPLAY": f":{display}",
            "GIMP3_DIRECTORY": f"{inside}/config",
            "VANISHER_JOB": inside,
        }
        start(["openbox"], environment)
        code = f'exec(open("{inside}/observer.py").read())'
        running = _start_gimp(gimp, ["--batch-interpreter", "python-fu-eval", "-b", code], environment, log)
        stack.callback(end_session, running)
        window = Window(gimp, job, environment)

        def is_up() -> bool:
            assert running.poll() is None, (job / "log").read_text(errors="replace")[-2000:]
            return (job / "state.json").exists()

        window.until(is_up, "GIMP", START_SECONDS)
        window.until(lambda: window.has_window("photo|Untitled"), "the picture's window")
        shutil.copy(profile / "pluginrc", gimp.root / KNOWN_PLUG_INS)
        window._run(
            "xdotool", "mousemove", *(str(side - 2) for side in SCREEN)
        )  # no tooltips, no brush outline
        window.settle()
        yield window


def _start_gimp(
    gimp: Gimp, options: list[str], environment: dict[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Starts GIMP with its windows, with what its GTK needs to load icons."""
    if not (gimp.root / "usr" / "bin" / "bwrap").exists():
        return gimp.popen(["gimp", *options], environment, stdout=log, stderr=log)
    pairs = [f"{name}={value}" for name, value in {**INSIDE, **environment}.items()]
    inside = [str(CHROOT), str(gimp.root), "/usr/bin/env", "-i", *pairs, "gimp", *options]
    return subprocess.Popen(
        [*WITH_PROC, str(gimp.root / "proc"), *inside],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip


def exact_version(gimp: Gimp) -> str:
    """The version of a root's GIMP to the last digit, such as 3.0.4."""
    status = (gimp.root / "var" / "lib" / "dpkg" / "status").read_text(encoding="utf-8")
    match = re.search(r"^Package: gimp\n(?:.+\n)*?Version: (?:\d+:)?([\d.]+)", status, re.MULTILINE)
    assert match, "no gimp in this root"
    return match[1]


def configure(profile: Path, **values: Any) -> None:
    """Changes the plug-in's settings as a user would."""
    file = profile / "vanisher.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **values}), encoding="utf-8")
