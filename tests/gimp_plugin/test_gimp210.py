"""The plug-in for GIMP 2.10: the grammar of Python 2.7, and its calls against a stand-in of gimpfu with a real daemon.

The stand-in (`gimp210/gimpfu.py`) runs under this Python, and under Python 2.7 as well where there is one.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import parso
import pytest

from tests.local_server.daemons import Daemon, running

ROOT = Path(__file__).parents[2]
PLUG_IN = ROOT / "gimp_plugin" / "gimp-2.10" / "vanisher.py"
PLAY = Path(__file__).parent / "gimp210" / "play.py"
RGB, RGBA, GRAY, GRAYA, INDEXED = range(5)
CHANNELS = {RGB: 3, RGBA: 4, GRAY: 1, GRAYA: 2, INDEXED: 1}


def pythons() -> list[str]:
    """This Python, and the first Python 2.7 of this machine that starts."""
    named = [shutil.which("python2.7"), *sorted(Path.home().glob(".pyenv/versions/2.7*/bin/python2.7"))]
    for path in filter(None, named):
        if subprocess.run([path, "-c", "import httplib"], capture_output=True, check=False).returncode == 0:
            return [sys.executable, str(path)]
    return [sys.executable]


PYTHONS = pythons()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("daemon")) as daemon:
        yield daemon


@pytest.fixture(params=PYTHONS, ids=lambda path: Path(path).name)
def python(request: pytest.FixtureRequest) -> str:
    return request.param


def photo(kind: int, width: int = 120, height: int = 90) -> np.ndarray:
    """A gradient with grain and a dark square in the middle: HxWxC uint8."""
    rng = np.random.default_rng(4)
    ramp = np.linspace(60, 190, width)[None, :, None] * np.ones((height, 1, CHANNELS[kind]))
    samples = (ramp + rng.normal(0, 4, ramp.shape)).clip(0, 255).astype(np.uint8)
    samples[height // 2 - 8 : height // 2 + 8, width // 2 - 8 : width // 2 + 8, : 3 if kind < 2 else 1] = 10
    if kind in (RGBA, GRAYA):
        samples[..., -1] = rng.integers(1, 256, samples.shape[:2])
    return samples


class Scene:
    """A call in the stand-in."""

    def __init__(self, folder: Path, python: str, **settings: object) -> None:
        self.folder, self.python = folder, python
        (folder / "profile").mkdir()
        (folder / "profile" / "vanisher.json").write_text(json.dumps(settings), encoding="utf-8")

    def play(
        self, procedure: str, samples: np.ndarray, *arguments: object, kind: int = RGB,
        canvas: np.ndarray | None = None, offsets: tuple[int, int] = (0, 0), group: bool = False, layer: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """What became of the image; `canvas` is the selection, HxW uint8."""
        height, width = samples.shape[:2]
        if canvas is None:
            canvas = np.zeros((height, width), np.uint8)
            canvas[height // 2 - 10 : height // 2 + 10, width // 2 - 10 : width // 2 + 10] = 255
        scene = {
            "profile": str(self.folder / "profile"), "procedure": procedure, "arguments": arguments,
            "canvas": canvas.shape[::-1], "selection": base64.b64encode(canvas.tobytes()).decode(),
            "size": (width, height), "type": kind, "data": base64.b64encode(samples.tobytes()).decode(),
            "offsets": offsets, "group": group, "layer": layer,
        }  # fmt: skip
        asked, told = self.folder / "scene.json", self.folder / "result.json"
        asked.write_text(json.dumps(scene), encoding="utf-8")
        command = [self.python, str(PLAY), str(PLUG_IN), str(asked), str(told)]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "http_proxy": "http://127.0.0.1:9"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        result = json.loads(told.read_text(encoding="utf-8"))
        assert result["undo"][0] == 0 and result["unprotected"] == []
        assert array(result["selection"], canvas.shape).tobytes() == canvas.tobytes()
        assert base64.b64decode(result["layers"][-1]["data"]) == samples.tobytes()
        return result


def array(text: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)


def parts(result: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Samples, layer mask and offsets of the new layer."""
    new, old = result["layers"]
    assert (new["name"], old["name"], new["type"]) == ("Vanished", "photo", old["type"]) and new["updated"]
    width, height = new["size"]
    channels = CHANNELS[new["type"]]
    return (
        array(new["data"], (height, width, channels)),
        array(new["mask"], (height, width)),
        tuple(new["offsets"]),
    )


@pytest.fixture
def scene(tmp_path: Path, python: str, daemon: Daemon) -> Scene:
    return Scene(tmp_path, python, state=str(daemon.state), command=[])


# The file


def faults(source: str) -> list[str]:
    grammar: Any = parso.load_grammar(version="2.7")  # parso 0.7: the last with this grammar
    return [f"{error.start_pos}: {error.message}" for error in grammar.iter_errors(grammar.parse(source))]


def test_the_file_is_python_2_7() -> None:
    assert faults(PLUG_IN.read_text(encoding="utf-8")) == []
    assert PLUG_IN.read_bytes().isascii()


@pytest.mark.parametrize("line", ["f'{1}'", "def f(*, a): pass", "x: int = 1", "f(*a,)", "print(1, file=f)"])
def test_the_grammar_check_bites(line: str) -> None:
    assert faults(line + "\n")


def test_it_says_openly_how_it_was_tested() -> None:
    text = PLUG_IN.read_text(encoding="utf-8").split('"""')[1]
    assert "never run in a GIMP 2.10" in text and "stand-in" in text


def test_it_imports_the_standard_library_and_gimpfu_only() -> None:
    words = [
        line.split()[1]
        for line in PLUG_IN.read_text(encoding="utf-8").splitlines()
        if line.startswith("import ")
    ]
    assert set(words) == {"json", "os", "struct", "subprocess", "time", "gimpfu"}


# What it does


def test_the_menu_is_that_of_gimp_3(scene: Scene) -> None:
    procedures = scene.play("", photo(RGB))["procedures"]
    found = {
        name: label for name, (label, menu, _) in procedures.items() if menu == "<Image>/Filters/Vanisher"
    }
    assert found == {
        "python-fu-vanisher-selection": "Vanish selection...",
        "python-fu-vanisher-selection-now": "Vanish selection",
        "python-fu-vanisher-people": "Vanish people",
        "python-fu-vanisher-panorama": "Vanish in panorama",
    }
    assert procedures["python-fu-vanisher-selection-now"][2] == ["image", "drawable"]


@pytest.mark.parametrize("kind", [RGB, RGBA, GRAY, GRAYA])
def test_the_selection_vanishes_on_a_new_layer(scene: Scene, kind: int) -> None:
    samples = photo(kind)
    result = scene.play("python-fu-vanisher-selection-now", samples, kind=kind)
    assert result["failure"] is None and result["messages"] == [] and result["undo"] == [0, 1]
    new, mask, offsets = parts(result)
    assert offsets == (0, 0) and new.shape == samples.shape
    assert set(np.unique(mask)) == {0, 255} and mask[35:55, 50:70].all() and not mask[:15].any()
    assert np.array_equal(new[mask == 0], samples[mask == 0])
    assert new[38:52, 53:67, 0].min() > 60  # the dark square is gone
    assert result["progress"][0] == "Vanishing ..." and len(result["progress"]) > 1


def test_a_layer_that_reaches_beyond_the_canvas(scene: Scene) -> None:
    samples = photo(RGB)
    canvas = np.zeros((60, 80), np.uint8)
    canvas[20:45, 25:50] = 255  # the square lies at (60 - 25, 45 - 15) of the canvas
    result = scene.play("python-fu-vanisher-selection", samples, 3, 2, canvas=canvas, offsets=(-25, -15))
    assert result["failure"] is None
    new, mask, offsets = parts(result)
    assert offsets == (-25, -15)
    assert mask[35:60, 50:75].all() and mask.sum() < 255 * 33 * 33
    assert np.array_equal(new[mask == 0], samples[mask == 0])
    assert new[38:52, 53:67, 0].min() > 60


def test_only_a_part_of_a_large_layer_is_sent(scene: Scene) -> None:
    samples = photo(GRAY, 1000, 700)
    result = scene.play("python-fu-vanisher-selection-now", samples, kind=GRAY)
    new, mask, (left, top) = parts(result)
    assert new.shape[:2] == (444, 444) and (left, top) == (278, 128)
    crop = samples[top : top + 444, left : left + 444]
    assert np.array_equal(new[mask == 0], crop[mask == 0])
    assert new[216:228, 216:228].min() > 60


def test_panorama(scene: Scene) -> None:
    samples = photo(RGB, 256, 128)
    result = scene.play("python-fu-vanisher-panorama", samples)
    assert result["failure"] is None
    new, mask, _ = parts(result)
    assert np.array_equal(new[mask == 0], samples[mask == 0]) and new[60:68, 124:132, 0].min() > 60


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"canvas": np.zeros((90, 120), np.uint8)}, "select what shall vanish"),
        ({"offsets": (500, 500)}, "select what shall vanish"),
        ({"group": True}, "layer group"),
        ({"layer": False}, "click the layer"),
        ({"kind": INDEXED}, "Image > Mode > RGB"),
    ],
)
def test_what_cannot_be_done_is_said(scene: Scene, options: dict[str, Any], says: str) -> None:
    result = scene.play("python-fu-vanisher-selection-now", photo(options.get("kind", RGB)), **options)
    assert result["failure"][0] == "Failure" and says in result["failure"][1]
    assert says in result["messages"][0] and len(result["layers"]) == 1 and result["undo"] == [0, 0]


def test_the_daemons_refusal_is_shown(scene: Scene) -> None:
    whole = np.full((90, 120), 255, np.uint8)
    result = scene.play("python-fu-vanisher-selection-now", photo(RGB), canvas=whole)
    assert result["failure"][0] == "Failure" and len(result["layers"]) == 1 and result["undo"] == [0, 0]
    assert "Traceback" not in result["messages"][0] and len(result["messages"][0]) > 40


# The daemon


def test_a_missing_daemon_is_started_and_found_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-m", "local_server", "--port", "0", "--state", str(state)]
    scene = Scene(tmp_path, PYTHONS[-1], state=str(state), command=command)
    try:
        assert scene.play("python-fu-vanisher-selection-now", photo(GRAY), kind=GRAY)["failure"] is None
    finally:
        os.kill(json.loads((state / "daemon.json").read_text(encoding="utf-8"))["pid"], signal.SIGTERM)


@pytest.mark.parametrize(
    ("command", "says"), [([], "vanisher serve"), (["/nowhere/vanisher", "serve"], "does not start")]
)
def test_without_a_daemon_a_sentence(tmp_path: Path, python: str, command: list[str], says: str) -> None:
    scene = Scene(tmp_path, python, state=str(tmp_path / "state"), command=command)
    result = scene.play("python-fu-vanisher-selection-now", photo(RGB))
    assert says in result["messages"][0] and len(result["layers"]) == 1


class Foreign(BaseHTTPRequestHandler):
    """Some other program on the daemon's port: knows /healthz if told to, answers nonsense to the rest."""

    version = ""

    def do_GET(self) -> None:
        self._answer(
            json.dumps({"status": "ok", "version": self.version}).encode() if self.version else b"<html>"
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"\x00\xff nonsense")

    def _answer(self, body: bytes) -> None:
        self.send_response(200 if self.command == "GET" else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("version", "says"),
    [("", "vanisher serve"), ("9.1.0", "is Vanisher 9.1.0"), ("0.1.0", "is not Vanisher")],
)
def test_a_foreign_server_gives_a_sentence(tmp_path: Path, python: str, version: str, says: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), type("Told", (Foreign,), {"version": version}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = {"host": "127.0.0.1", "port": server.server_port, "token": "x" * 40}
        (tmp_path / "daemon.json").write_text(json.dumps(address), encoding="utf-8")
        scene = Scene(tmp_path, python, state=str(tmp_path), command=[])
        result = scene.play("python-fu-vanisher-selection-now", photo(RGB))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert says in result["messages"][0] and len(result["layers"]) == 1
