"""Disclosure, replay and verification of panoramas: the receipt's kind leads back to `erase_panorama`."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panorama import gpano
from panorama.receipt import PanoramaReceipt
from vanisher_core import Mask, Photo, cli, replay
from vanisher_core.models import registry
from vanisher_core.verify import verdict, verify

WIDE, HIGH = 384, 192


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind as pyproject.toml names it, whether or not this checkout was installed since it was added."""
    entry = EntryPoint("panorama", "panorama.replay:KIND", replay.KIND_GROUP)
    monkeypatch.setattr(replay, "entry_points", lambda group: [entry] if group == replay.KIND_GROUP else [])


def room(path: Path) -> Path:
    """A smooth panorama with texture and a dark disc at the seam."""
    rows, columns = np.mgrid[0:HIGH, 0:WIDE]
    picture = 130 + 40 * np.sin(columns * 2 * np.pi / WIDE * 6) + 30 * np.cos(rows / 9)
    picture = picture[..., None] + np.random.default_rng(2).normal(0, 4, (HIGH, WIDE, 3))
    picture[hole() > 0] = 20
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
    return path


def hole() -> np.ndarray:
    rows, columns = np.mgrid[0:HIGH, 0:WIDE]
    across = np.minimum(columns, WIDE - columns)
    return np.where(across**2 + (rows - 90) ** 2 < 64, 255, 0).astype(np.uint8)


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


def test_a_disclosed_panorama_is_made_again_and_checked(tmp_path: Path, capsys) -> None:
    pano, mask = room(tmp_path / "p.png"), tmp_path / "m.png"
    Image.fromarray(hole()).save(mask)
    words = ("--mask", mask, "--nadir", 20, "--model", "exemplar", "--label", "Digitally altered")
    assert run("panorama", pano, *words) == 0
    out, receipt_file = tmp_path / "p.vanished.png", tmp_path / "p.receipt.json"
    receipt, kind = replay.load(receipt_file)
    assert isinstance(receipt, PanoramaReceipt) and receipt.nadir == 20
    assert PanoramaReceipt.from_json(receipt.to_json()) == receipt
    label = receipt.files.label if receipt.files else None
    assert label and label.place == "ahead" and label.box[0] < WIDE // 2 < label.box[2]
    written = Photo.open(out)
    assert gpano.properties(written.metadata.xmp)["ProjectionType"] == "equirectangular"
    assert b"DigitalSourceType" in (written.metadata.xmp or b"")
    mask.unlink()
    assert run("replay", receipt_file) == 0 and "the same bytes" in capsys.readouterr().out
    assert run("verify", out) == 0
    array = written.array.copy()
    array[100, 300, 1] ^= 1
    kept = Mask.open(tmp_path / "p.mask.png")
    checks = verify(written.with_array(array).to_bytes(), receipt, kind, pano.read_bytes(), kept)
    assert not verdict(checks)
    assert "x=300, y=100" in next(check.found for check in checks if check.name == "outside")


def test_a_relit_panorama_is_made_again_and_checked(tmp_path: Path, capsys) -> None:
    pano, mask = room(tmp_path / "p.png"), tmp_path / "m.png"
    Image.fromarray(hole()).save(mask)
    words = ("--mask", mask, "--relight", "--model", "exemplar", "--label", "Digitally altered")
    assert run("panorama", pano, *words) == 0
    out, receipt_file = tmp_path / "p.vanished.png", tmp_path / "p.receipt.json"
    receipt, kind = replay.load(receipt_file)
    assert isinstance(receipt, PanoramaReceipt) and receipt.relight
    assert receipt.weights == {"room-light": registry.info("room-light").sha256}
    assert PanoramaReceipt.from_json(receipt.to_json()) == receipt
    assert run("replay", receipt_file) == 0 and "the same bytes" in capsys.readouterr().out
    assert run("verify", out) == 0
    kept = Mask.open(tmp_path / "p.mask.png")
    photo = Photo.open(pano)
    changed = kind.changed(receipt, photo, kept)
    written = Photo.open(out)
    label = receipt.files.label if receipt.files else None
    assert label
    changed[label.box[1] : label.box[3], label.box[0] : label.box[2]] = True
    assert np.array_equal(written.array[~changed], photo.array[~changed])
    assert hole()[changed].sum() == hole().sum() and 0.02 < changed.mean() < 0.5
    array = written.array.copy()
    array[180, 300, 1] ^= 1
    assert not verdict(verify(written.with_array(array).to_bytes(), receipt, kind, pano.read_bytes(), kept))


def test_receipts_from_before_there_was_light_are_read(tmp_path: Path) -> None:
    pano, mask = room(tmp_path / "p.png"), tmp_path / "m.png"
    Image.fromarray(hole()).save(mask)
    assert run("panorama", pano, "--mask", mask, "--model", "exemplar", "--receipt", tmp_path / "r.json") == 0
    old = json.loads((tmp_path / "r.json").read_text())
    del old["relight"]
    receipt = PanoramaReceipt.from_json(json.dumps(old))
    assert receipt.replay()["relight"] is False
