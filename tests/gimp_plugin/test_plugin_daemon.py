"""The plug-in's modules that need no GIMP: its files, its masks, its settings, and agreement with the library."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import vanisher_core
from local_server import settings as daemon_settings
from tests.gimp_plugin.impostors import announce
from tests.local_server.daemons import Daemon, emptied, encoded, hole, picture, running
from vanisher_core import Mask, Photo, mask, window

FOLDER = Path(__file__).parents[2] / "gimp_plugin" / "plug-ins" / "vanisher"
DTYPES = {"u8": np.uint8, "u16": np.uint16, "float": np.float32}


def plug_in(*names: str) -> Any:
    """The plug-in's modules as GIMP's Python finds them: beside each other, by their short names."""
    before, path = dict(sys.modules), list(sys.path)
    sys.path.insert(0, str(FOLDER))
    try:
        return SimpleNamespace(**{name: _loaded(name) for name in names})
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - set(before):
            if getattr(sys.modules[name], "__file__", None) and FOLDER.samefile(
                Path(str(sys.modules[name].__file__)).parent
            ):
                del sys.modules[name]


def _loaded(name: str) -> ModuleType:
    return importlib.import_module(name)


parts = plug_in("tiff", "marks", "settings", "daemon", "jobs", "starting", "sentence")


@given(
    array=st.sampled_from(sorted(DTYPES)).flatmap(
        lambda kind: arrays.arrays(
            DTYPES[kind], st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
            elements={"allow_nan": False, "allow_infinity": False} if kind == "float" else None,
        )
    )
)  # fmt: skip
def test_the_library_reads_its_pictures_and_it_reads_the_librarys(array: np.ndarray) -> None:
    kind = next(name for name, dtype in DTYPES.items() if array.dtype == dtype)
    height, width, channels = array.shape
    sent = parts.tiff.Picture(width, height, channels, kind, array.tobytes())
    photo = Photo.from_bytes(parts.tiff.encode(sent))
    np.testing.assert_array_equal(photo.array.reshape(array.shape), array)
    changed = photo.with_array(photo.array[::-1].copy())
    answer = parts.tiff.decode(changed.to_bytes())
    assert answer.layout == sent.layout
    # by value: a photograph whose only change is the sign of a zero counts as unchanged, and stays the file it was
    np.testing.assert_array_equal(np.frombuffer(answer.data, array.dtype), array[::-1].ravel())


@given(st.binary(max_size=300))
def test_garbage_is_a_sentence(data: bytes) -> None:
    whole = parts.tiff.encode(parts.tiff.Picture(2, 2, 1, "u8", b"abcd"))
    for bad in (data, whole[: len(data) % len(whole)], b"II*\0" + data):
        with pytest.raises(parts.sentence.Sentence, match="nothing was changed"):
            parts.tiff.decode(bad)


MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20)))


@given(MASKS, st.integers(0, 9))
def test_growth_is_the_librarys(marked: np.ndarray, radius: int) -> None:
    values = (marked * 255).astype(np.uint8)
    grown = np.frombuffer(parts.marks.grown(values.tobytes(), values.shape[1], radius), np.uint8)
    expected = mask.grown(Mask(values), grow=radius).hole
    np.testing.assert_array_equal(grown.reshape(values.shape) > 0, expected)


@given(st.data(), st.integers(1, 30), st.integers(1, 8))
def test_comparing_and_laying_over(data: st.DataObject, count: int, size: int) -> None:
    one, other = (
        np.frombuffer(data.draw(st.binary(min_size=count * size, max_size=count * size)), np.uint8)
        for _ in range(2)
    )
    chosen = np.array(
        data.draw(st.lists(st.sampled_from([0, 255]), min_size=count, max_size=count)), np.uint8
    )
    differing = np.frombuffer(parts.marks.differing(one.tobytes(), other.tobytes(), size), np.uint8)
    np.testing.assert_array_equal(differing > 0, (one != other).reshape(count, size).any(axis=1))
    over = parts.marks.overlaid(one.tobytes(), other.tobytes(), chosen.tobytes(), size)
    wanted = np.where(np.repeat(chosen, size) == 255, other, one)
    assert over == wanted.astype(np.uint8).tobytes()


def test_it_knows_the_librarys_numbers() -> None:
    """`pixels.py` needs GIMP to be imported; its constants are read as text."""
    text = (FOLDER / "pixels.py").read_text(encoding="utf-8")
    assert f"MARGIN, SHARE = {window.MARGIN_MIN}, {window.MARGIN_SHARE}" in text
    assert f"CELL = {window.CELL}" in text
    assert f"AUTOMATIC_GROWTH = {mask.GROW_RANGE[1]}" in text
    assert f"SOFT_FLOOR = {mask.SOFT_FLOOR}" in (FOLDER / "erasing.py").read_text(encoding="utf-8")


def test_it_has_the_projects_version() -> None:
    assert vanisher_core.__version__ == parts.daemon.VERSION


def test_it_looks_where_the_daemon_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for variables in ({}, {"XDG_STATE_HOME": "/x/state"}, {"VANISHER_STATE": "/y"}):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert parts.settings.usual_state() == daemon_settings.state_folder()


def test_settings_keep_what_the_installer_wrote(tmp_path: Path) -> None:
    (tmp_path / "vanisher.json").write_text('{"command": ["/a b/vanisher", "serve"], "other": 1}')
    found = parts.settings.load(str(tmp_path))
    assert found.command == ("/a b/vanisher", "serve")
    parts.settings.remember(found, {"grow": 3})
    again = json.loads((tmp_path / "vanisher.json").read_text())
    assert again == {"command": ["/a b/vanisher", "serve"], "other": 1, "last": {"grow": 3}}
    assert list(tmp_path.iterdir()) == [tmp_path / "vanisher.json"]


def test_a_command_that_is_a_sentence_is_no_command(tmp_path: Path) -> None:
    (tmp_path / "vanisher.json").write_text('{"patience": "long"}')
    with pytest.raises(parts.sentence.Sentence, match="damaged"):
        parts.settings.load(str(tmp_path))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("plug-in")) as daemon:
        yield daemon


def known(daemon: Daemon, tmp_path: Path) -> Any:
    return parts.settings.Settings(tmp_path / "vanisher.json", (), daemon.state, 25.0, {})


def test_it_finds_a_daemon_and_gets_what_others_get(real: Daemon, tmp_path: Path) -> None:
    """Also past a proxy that the environment names."""
    service = parts.daemon.connect(known(real, tmp_path), lambda text: None)
    sent = parts.tiff.Picture(160, 120, 3, "u8", picture().tobytes())
    cover = parts.tiff.Picture(160, 120, 1, "u8", hole().tobytes())
    said: list[tuple[float, str]] = []
    done = parts.jobs.run(
        service,
        {"kind": "erase", "model": "exemplar", "grow": None},
        {"image": parts.tiff.encode(sent), "mask": parts.tiff.encode(cover)},
        lambda fraction, text: said.append((fraction, text)),
    )
    direct = real.client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar")
    expected = cv2.imdecode(np.frombuffer(direct.data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert parts.tiff.decode(done.data).data == np.asarray(expected).tobytes()
    assert said[0] == (0.0, "Sending") and len(said) > 1
    assert emptied(real)


def test_a_refusal_is_the_daemons_sentence(real: Daemon, tmp_path: Path) -> None:
    service = parts.daemon.connect(known(real, tmp_path), lambda text: None)
    small = parts.tiff.encode(parts.tiff.Picture(2, 2, 1, "u8", b"abcd"))
    large = parts.tiff.encode(parts.tiff.Picture(4, 4, 1, "u8", bytes(16)))
    with pytest.raises(parts.sentence.Sentence, match="2x2 and the photograph 4x4"):
        parts.jobs.run(service, {"kind": "erase"}, {"image": large, "mask": small}, lambda f, t: None)


def test_a_plug_in_that_is_gone_has_its_job_cancelled(real: Daemon) -> None:
    """The watchdog alone: its pipe ends without a word."""
    noise = np.random.default_rng(0).integers(0, 255, (800, 1000, 3), np.uint8)
    wide = np.zeros((800, 1000), np.uint8)
    wide[100:700, 100:900] = 255
    name = real.client.submit("erase", encoded(noise), mask=encoded(wide), model="exemplar")["id"]
    address = real.client.address
    line = {"host": address.host, "port": address.port, "token": address.token, "id": name}
    command = [sys.executable, "-I", "-S", str(FOLDER / "watchdog.py")]
    subprocess.run(command, input=json.dumps({**line, "id": "j-other"}) + "\nover\n", text=True, check=True)
    assert real.client.job(name)["state"] in ("queued", "running")
    subprocess.run(command, input=json.dumps(line) + "\n", text=True, check=True)
    assert list(real.client.events(name))[-1]["state"] == "cancelled"


def test_a_daemon_that_ended_is_not_believed(tmp_path: Path) -> None:
    lock = announce(tmp_path / "state", 9)
    assert parts.daemon.running(tmp_path / "state")["port"] == 9
    os.close(lock)
    assert parts.daemon.running(tmp_path / "state") is None
    assert parts.daemon.running(tmp_path / "nowhere") is None


def test_the_folder_has_the_name_and_the_run_bit_that_gimp_wants() -> None:
    main = FOLDER / "vanisher.py"
    assert FOLDER.name == main.stem and main.stat().st_mode & 0o111
    assert main.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")
