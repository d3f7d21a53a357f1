"""The command line: what it writes, what it says, and how it fails: a sentence, a status, nothing else."""

import hashlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from vanisher_core import __version__, cli
from vanisher_core.commands import common
from vanisher_core.errors import OutputError, UsageError
from vanisher_core.receipt import Receipt, file_digest, pixel_digest

ROOT = Path(__file__).parents[2]
EXEMPLAR = ("--model", "exemplar")


def pixels(height: int = 48, width: int = 64) -> np.ndarray:
    """A textured picture with a red disc in the middle."""
    rows, columns = np.mgrid[0:height, 0:width]
    wave = 120 + 40 * np.sin(columns / 4) * np.cos(rows / 5)
    picture = wave[..., None] + np.random.default_rng(1).normal(0, 5, (height, width, 3))
    picture[disc(height, width)] = (230, 20, 20)
    return np.clip(picture, 0, 255).astype(np.uint8)


def disc(height: int = 48, width: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < 36


class Desk:
    """A folder with a photograph and its mask, and the means to run the command there."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capture = capture
        self.photo, self.mask = folder / "a.png", folder / "m.png"
        Image.fromarray(pixels()).save(self.photo)
        Image.fromarray(disc()).save(self.mask)

    def run(self, *words: object) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        status = cli.main([str(word) for word in words])
        out, err = self.capture.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    def erase(
        self, *words: object, photo: Path | None = None, mask: Path | None = None
    ) -> tuple[int, str, str]:
        return self.run("erase", photo or self.photo, "--mask", mask or self.mask, *EXEMPLAR, *words)

    def listing(self) -> dict[str, str]:
        """Every file by name with its digest."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): file_digest(path) for path in files}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


# What it does


def test_erase_writes_beside_the_original_and_changes_nothing_outside(desk: Desk) -> None:
    before = file_digest(desk.photo)
    status, out, err = desk.erase("--grow", 3, "--feather", 1)
    result = read(desk.folder / "a.vanished.png")
    assert (status, err) == (0, "")
    assert "a.vanished.png" in out and "%" in out
    assert file_digest(desk.photo) == before
    far = np.hypot(*(np.mgrid[0:48, 0:64] - np.array([24, 32])[:, None, None])) > 6 + 3 + 2
    assert np.array_equal(result[far], pixels()[far])
    reddish = (result[disc()].astype(int)[:, 0] - result[disc()].astype(int)[:, 1]) > 120
    assert not reddish.any()


def test_json_is_one_object_and_the_receipt_replays(desk: Desk) -> None:
    receipt_file = desk.folder / "r.json"
    status, out, _ = desk.erase("--json", "--seed", 5, "--receipt", receipt_file)
    told, receipt = json.loads(out), Receipt.from_json(receipt_file.read_text(encoding="utf-8"))
    assert status == 0 and told["size"] == [64, 48] and 0 < told["erased_share"] < 1
    assert told["windows"][0]["method"] == "exemplar"
    assert receipt.replay() == {
        "model": "exemplar",
        "seed": 5,
        "grow": None,
        "feather": None,
        "fit_mask": False,
    }
    assert receipt.input_file_sha256 == file_digest(desk.photo)
    assert receipt.output_file_sha256 == file_digest(Path(told["output"]))
    assert receipt.input_pixels_sha256 == pixel_digest(pixels())
    assert receipt.output_pixels_sha256 == pixel_digest(read(Path(told["output"])))
    status, _, _ = desk.erase("--seed", 5, "-o", desk.folder / "again.png")
    assert file_digest(desk.folder / "again.png") == receipt.output_file_sha256


def test_an_empty_mask_says_so_and_gives_the_original_back(desk: Desk) -> None:
    Image.new("L", (64, 48)).save(desk.mask)
    status, out, _ = desk.erase()
    assert status == 0 and "Nothing to erase" in out
    assert file_digest(desk.folder / "a.vanished.png") == file_digest(desk.photo)


def test_a_jpeg_result_says_that_it_was_coded_again(desk: Desk) -> None:
    photo = desk.folder / "b.jpg"
    Image.fromarray(pixels()).save(photo, quality=95)
    status, _, err = desk.erase("--receipt", desk.folder / "r.json", photo=photo)
    assert status == 0 and "lossy" in err
    assert "lossy" in Receipt.from_json((desk.folder / "r.json").read_text(encoding="utf-8")).reencoded


def test_fit_mask_scales_a_mask_of_another_size(desk: Desk) -> None:
    Image.fromarray(disc(24, 32)).save(desk.mask)
    assert desk.erase()[0] == 2
    assert desk.erase("--fit-mask")[0] == 0


def test_overwrite_replaces_and_its_variable_does_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    target = desk.folder / "a.vanished.png"
    target.write_bytes(b"mine")
    assert desk.erase()[0] == 2 and target.read_bytes() == b"mine"
    assert desk.erase("--overwrite")[0] == 0 and target.read_bytes() != b"mine"
    monkeypatch.setenv("VANISHER_OVERWRITE", "1")
    assert desk.erase()[0] == 0


def test_an_option_beats_its_variable_and_the_variable_the_default(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANISHER_SEED", "3")
    monkeypatch.setenv("VANISHER_GROW", "2")
    receipt = desk.folder / "r.json"
    desk.erase("--receipt", receipt, "--seed", 9)
    assert Receipt.from_json(receipt.read_text(encoding="utf-8")).replay() == {
        "model": "exemplar",
        "seed": 9,
        "grow": 2,
        "feather": None,
        "fit_mask": False,
    }


def test_grow_0_feather_0_takes_the_mask_exactly(desk: Desk) -> None:
    assert desk.erase("--grow", 0, "--feather", 0)[0] == 0
    result = read(desk.folder / "a.vanished.png")
    assert np.array_equal(result[~disc()], pixels()[~disc()])


def test_a_strip_65000_pixels_wide_works(desk: Desk) -> None:
    strip = np.tile(pixels(12, 64), (1, 1016, 1))[:, :65_000]
    mask = np.zeros(strip.shape[:2], bool)
    mask[4:8, 40_000:40_010] = True
    Image.fromarray(strip).save(desk.photo)
    Image.fromarray(mask).save(desk.mask)
    assert desk.erase("--grow", 0, "--feather", 0)[0] == 0
    result = read(desk.folder / "a.vanished.png")
    assert np.array_equal(result[~mask], strip[~mask])


def test_segment_and_remove_use_the_classes_masks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The segmenter is stood in for: how well it sees is tested elsewhere."""
    from vanisher_core import Mask, Vanisher

    def found(self: Vanisher, photo: object, classes: tuple[str, ...] = ("person",)) -> dict[str, Mask]:
        return {
            name: Mask.from_array(disc() if name == "person" else np.zeros((48, 64), bool))
            for name in classes
        }

    monkeypatch.setattr(Vanisher, "segment", found)
    status, out, _ = desk.run(
        "segment", desk.photo, "--classes", "person,cat", "-o", desk.folder / "p.png", "--json"
    )
    told = json.loads(out)
    assert status == 0 and told["classes"]["person"]["pixels"] == disc().sum()
    assert told["classes"]["person"]["box"] == [27, 19, 38, 30]
    assert told["classes"]["cat"] == {"pixels": 0, "share": 0.0, "box": None}
    assert np.array_equal(read(desk.folder / "p.png") > 127, disc())
    assert desk.run("erase", desk.photo, "--remove", "person", *EXEMPLAR)[0] == 0
    status, out, _ = desk.run("erase", desk.photo, "--remove", "cat", *EXEMPLAR, "-o", desk.folder / "c.png")
    assert status == 0 and "no cat was found" in out


def test_models_and_doctor_answer(desk: Desk) -> None:
    status, out, _ = desk.run("models", "list", "--json")
    listed = json.loads(out)["models"]
    assert status == 0
    assert desk.run("models")[0] == 0
    status, out, _ = desk.run("models", "verify", "--json")
    assert json.loads(out)["ok"] == (status == 0)
    for row in listed:
        status, out, _ = desk.run("models", "show", row["name"])
        assert status == 0 and row["sha256"] in out
    status, out, _ = desk.run("doctor", "--json")
    report = json.loads(out)
    checks = {check["name"]: check for check in report["checks"]}
    assert set(checks) == {"versions", "processor", "devices", "weights", "compiled", "memory", "self-test"}
    assert report["ok"] == (status == 0) == all(check["ok"] for check in checks.values())
    assert checks["self-test"]["ok"], checks["self-test"]


def test_doctor_and_verify_fail_without_weights(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANISHER_WEIGHTS", str(desk.folder))
    status, out, _ = desk.run("models", "verify")
    assert status == 1 and "install Vanisher again" in out
    status, out, _ = desk.run("doctor")
    assert status == 1 and "NOT OK  weights" in out


def test_a_doctors_check_that_breaks_is_a_finding(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from vanisher_core.commands import doctor

    def broken() -> doctor.Check:
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(doctor, "CHECKS", {"processor": broken})
    status, out, _ = desk.run("doctor")
    assert status == 1 and "no such instruction" in out


# Bad usage


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "COMMAND"),
        (("vanish",), "vanish"),
        (("erase",), "PHOTO"),
        (("erase", "a.png"), "--mask --remove is required"),
        (("erase", "a.png", "--mask", "m.png", "--remove", "person"), "not allowed with"),
        (("erase", "a.png", "--mask", "m.png", "--grow", "-3"), "0 or more, not '-3'"),
        (("erase", "a.png", "--mask", "m.png", "--grow", "2.5"), "whole number"),
        (("erase", "a.png", "--mask", "m.png", "--feather", "nan"), "not 'nan'"),
        (("erase", "a.png", "--mask", "m.png", "--see", "3"), "--see"),
        (("erase", "a.png", "--mask", "m.png", "--model", "lama"), "use one of auto, network, exemplar"),
        (("erase", "a.png", "--mask", "m.png", "--device", "abacus"), "abacus"),
        (("erase", "a.png", "--mask", "m.png", "--device", "cpu:abc"), "'cpu:abc' has a number"),
        (("erase", "a.png", "--mask", "m.png", "--device", "cuda:x"), "'cuda:x'"),
        (("erase", "a.png", "--mask", "m.png", "-o", "x.gif"), "cannot write '.gif'"),
        (("segment", "a.png", "--classes", "person", "-o", "x.gif"), "cannot write '.gif'"),
        (("erase", "a.png", "--remove", ","), "class names"),
        (("segment", "a.png", "--classes", "person"), "-o"),
        (("models", "show", "nothing"), "no weights named 'nothing'"),
        (("hologram", "p.jpg"), "hologram"),
        (("panorama", "p.jpg"), "give --mask, --remove or --nadir"),
    ],
)
def test_bad_usage_is_status_2_and_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(desk.folder)
    before = desk.listing()
    status, out, err = desk.run(*words)
    assert status == 2, err
    assert err.startswith("vanisher: error: ") and err.count("\n") == 1 and said in err
    assert out == "" and desk.listing() == before


@pytest.mark.parametrize("name", ["SEED", "GROW", "FEATHER", "OVERWRITE"])
def test_a_bad_variable_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"VANISHER_{name}", "many")
    status, _, err = desk.erase()
    assert status == 2 and f"VANISHER_{name}" in err and "'many'" in err


def test_help_and_version_are_status_0(desk: Desk) -> None:
    status, out, _ = desk.run("--help")
    assert status == 0 and all(name in out for name in cli.COMMANDS)
    assert desk.run("--version") == (0, f"vanisher {__version__}\n", "")


@pytest.mark.parametrize("name", ["MAX_PIXELS", "MAX_BYTES"])
def test_the_limits_come_from_variables_for_photo_and_mask(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"VANISHER_{name}", "0")
    status, _, err = desk.erase()
    assert status == 2 and f"VANISHER_{name}" in err and "1 or more, not '0'" in err
    monkeypatch.setenv(f"VANISHER_{name}", "60")
    status, _, err = desk.erase()
    assert status == 2 and f"raise it with VANISHER_{name}" in err and "a.png" in err
    large = desk.folder / "large.png"
    Image.fromarray(np.repeat(disc(), 200, axis=0)).save(large, compress_level=0)
    monkeypatch.setenv(f"VANISHER_{name}", str(min(64 * 48 * 100, large.stat().st_size - 1)))
    status, _, err = desk.erase(mask=large)
    assert status == 2 and f"raise it with VANISHER_{name}" in err and "large.png" in err


def test_a_raised_limit_lets_a_larger_picture_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from vanisher_core.errors import DamagedPhoto, LimitExceeded

    huge = desk.folder / "huge.png"
    huge.write_bytes(png_of_size(30_000, 30_000))
    with pytest.raises(LimitExceeded):
        common.open_photo(huge)
    monkeypatch.setenv("VANISHER_MAX_PIXELS", "1_000_000_000")
    with pytest.raises(DamagedPhoto):  # past the limit: now its data are looked at
        common.open_photo(huge)


def test_a_cuda_number_is_held_against_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from vanisher_core.device import pick_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("cuda:1") == torch.device("cuda", 1)
    assert pick_device("cuda") == torch.device("cuda")
    with pytest.raises(UsageError, match=r"'cuda:7'.* 2 CUDA devices .*lower number"):
        pick_device("cuda:7")
    for name in ("cpu:9", "cpu:abc", "cpu:0", "cpu:", "mps:0", "auto:1"):
        with pytest.raises(UsageError, match="only cuda takes"):
            pick_device(name)
    for name in ("cuda:", "cuda:-1", "cuda:1.0", "cuda:\u00b2"):
        with pytest.raises(UsageError, match="whole number"):
            pick_device(name)


# Bad input


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with next to no data behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def truncated_jpeg(path: Path) -> None:
    Image.fromarray(pixels()).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-400])


def float_tiff_with_nan(path: Path) -> None:
    array = pixels().astype(np.float32) / 255
    array[3, 4, 1] = np.nan
    tifffile.imwrite(path, array, photometric="rgb")


BAD_PHOTOS: dict[str, Callable[[Path], object]] = {
    "missing.png": lambda path: None,
    "folder.png": lambda path: path.mkdir(),
    "text.png": lambda path: path.write_text("this is no picture", encoding="utf-8"),
    "empty.png": lambda path: path.write_bytes(b""),
    "truncated.jpg": truncated_jpeg,
    "zero.png": lambda path: path.write_bytes(png_of_size(0, 0)),
    "bomb.png": lambda path: path.write_bytes(png_of_size(2**31 - 1, 2**31 - 1)),
    "nan.tif": float_tiff_with_nan,
    "nul\0byte.png": lambda path: None,
}


@pytest.mark.parametrize("role", ["photo", "mask"])
@pytest.mark.parametrize("name", sorted(BAD_PHOTOS))
def test_a_bad_file_is_one_sentence(desk: Desk, name: str, role: str) -> None:
    bad = desk.folder / name
    BAD_PHOTOS[name](bad)
    before = desk.listing()
    status, out, err = desk.erase(**{role: bad})
    assert status == 2, err
    assert err.startswith("vanisher: error: ") and err.count("\n") == 1
    assert name.split("\0")[0] in err
    assert out == "" and desk.listing() == before


def test_a_failure_under_json_is_still_one_object(desk: Desk) -> None:
    status, out, err = desk.erase("--json", photo=desk.folder / "missing.png")
    told = json.loads(out)
    assert status == told["exit_status"] == 2
    assert told["error"]["message"] in err


@pytest.mark.parametrize("size", [(1, 1), (2, 1)])
def test_a_mask_of_everything_is_refused_with_advice(desk: Desk, size: tuple[int, int]) -> None:
    for shape in (size, (64, 48)):
        Image.new("RGB", shape, (9, 9, 9)).save(desk.photo)
        Image.new("L", shape, 255).save(desk.mask)
        status, _, err = desk.erase()
        assert status == 2 and "100%" in err and "mask" in err
    assert set(desk.listing()) == {"a.png", "m.png"}


def test_one_pixel_with_an_empty_mask_comes_back(desk: Desk) -> None:
    Image.new("RGB", (1, 1), (9, 8, 7)).save(desk.photo)
    Image.new("L", (1, 1)).save(desk.mask)
    assert desk.erase()[0] == 0
    assert read(desk.folder / "a.vanished.png").tolist() == [[[9, 8, 7]]]


# Bad outputs


@pytest.mark.parametrize(
    ("name", "format", "target"),
    [
        ("lied.jpg", "PNG", "lied.vanished.png"),
        ("noext", "PNG", "noext.vanished.png"),
        ("lied.png", "TIFF", "lied.vanished.tif"),
        ("room.v2", "WEBP", "room.v2.vanished.webp"),
        ("true.TIFF", "TIFF", "true.vanished.TIFF"),
    ],
)
def test_the_default_name_says_what_the_file_is(desk: Desk, name: str, format: str, target: str) -> None:
    photo = desk.folder / name
    Image.fromarray(pixels()).save(photo, format, **({"lossless": True} if format == "WEBP" else {}))
    assert desk.erase("--grow", 0, "--feather", 0, photo=photo)[0] == 0
    with Image.open(desk.folder / target) as image:
        assert image.format == format
    assert np.array_equal(read(desk.folder / target)[~disc()], pixels()[~disc()])


@pytest.mark.parametrize("suffix", [".gif", ".jpg", ".webp"])
def test_an_output_that_its_format_cannot_hold_is_refused_before_any_work(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    from vanisher_core import Vanisher

    def worked(*_: object, **__: object) -> None:
        raise AssertionError("work was begun")

    monkeypatch.setattr(Vanisher, "erase", worked)
    monkeypatch.setattr(Vanisher, "segment", worked)
    deep = desk.folder / "deep.tif"
    tifffile.imwrite(deep, pixels().astype(np.uint16) * 257, photometric="rgb")
    before = desk.listing()
    for words in (("--mask", desk.mask), ("--remove", "person")):
        status, _, err = desk.run("erase", deep, *words, *EXEMPLAR, "-o", desk.folder / f"x{suffix}")
        assert status == (2 if suffix == ".gif" else 1) and ".png" in err and err.count("\n") == 1
    assert desk.listing() == before


def test_a_mask_that_its_format_cannot_hold_is_refused_before_any_work(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vanisher_core import Vanisher

    def worked(*_: object, **__: object) -> None:
        raise AssertionError("work was begun")

    monkeypatch.setattr(Vanisher, "segment", worked)
    Image.new("RGB", (16_400, 2)).save(desk.photo)
    words = ("segment", desk.photo, "--classes", "person", "-o")
    status, _, err = desk.run(*words, desk.folder / "x.webp")
    assert status == 1 and "16383" in err and "save as .png" in err
    assert desk.run(*words, desk.folder / "x.gif")[0] == 2


def test_the_receipt_is_the_picture_by_another_path(desk: Desk) -> None:
    (desk.folder / "sub").mkdir()
    before = desk.listing()
    detour = desk.folder / "sub" / ".." / "s2.tif"
    status, _, err = desk.erase("-o", desk.folder / "s2.tif", "--receipt", detour)
    assert status == 2 and "--receipt" in err
    assert desk.listing() == before


def test_the_share_counts_the_soft_edge_too(desk: Desk) -> None:
    _, out, _ = desk.erase("--json", "--grow", 6, "--feather", 6)
    changed = (read(desk.folder / "a.vanished.png") != pixels()).any(axis=2).mean()
    wide = np.hypot(*(np.mgrid[0:48, 0:64] - np.array([24, 32])[:, None, None])) < 6 + 5
    assert json.loads(out)["erased_share"] >= max(changed, float(wide.mean())) - 1e-6


def test_the_original_is_never_the_output(desk: Desk) -> None:
    before = desk.listing()
    status, _, err = desk.erase("-o", desk.photo, "--overwrite")
    assert status == 2 and "original" in err
    (desk.folder / "link.png").symlink_to(desk.photo)
    status, _, err = desk.erase("-o", desk.folder / "link.png", "--overwrite")
    assert status == 2 and "original" in err
    status, _, err = desk.erase("--receipt", desk.photo, "--overwrite")
    assert status == 2 and "original" in err
    (desk.folder / "link.png").unlink()
    assert desk.listing() == before


def test_neither_is_the_mask(desk: Desk) -> None:
    before = desk.listing()
    status, _, err = desk.erase("-o", desk.mask, "--overwrite")
    assert status == 2 and "m.png" in err
    assert desk.listing() == before


def test_picture_and_receipt_need_two_names(desk: Desk) -> None:
    status, _, err = desk.erase("-o", desk.folder / "x.png", "--receipt", desk.folder / "x.png")
    assert status == 2 and "--receipt" in err


@pytest.mark.parametrize("where", ["-o", "--receipt"])
def test_a_folder_that_is_missing_or_a_directory_is_refused_before_any_work(desk: Desk, where: str) -> None:
    before = desk.listing()
    status, _, err = desk.erase(where, desk.folder / "nowhere" / "x.png")
    assert status == 1 and "nowhere" in err and "create it" in err
    status, _, err = desk.erase(where, desk.folder)
    assert status == 2 and "directory" in err
    assert desk.listing() == before


def test_a_read_only_folder_is_status_1(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the check directly as well: root may write anywhere, and tests often run as root."""
    locked = desk.folder / "locked"
    locked.mkdir(mode=0o555)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != locked)
    before = desk.listing()
    status, _, err = desk.erase("-o", locked / "x.png")
    assert status == 1 and "not writable" in err
    with pytest.raises(OutputError, match="not writable"):
        common.check_output(locked / "x.png", overwrite=False, inputs=[desk.photo])
    assert desk.listing() == before


def test_a_disk_that_fills_in_mid_write_leaves_nothing(desk: Desk) -> None:
    assert desk.erase("-o", desk.folder / "first.png")[0] == 0  # whatever is compiled is compiled now
    before = desk.listing()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    try:
        status, _, err = desk.erase()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 1 and "a.vanished.png" in err
    assert desk.listing() == before


# Interruptions and bugs


def test_ctrl_c_in_mid_work_is_130_and_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.listing()
    monkeypatch.setattr(common.Progress, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    status, _, err = desk.erase()
    assert status == 130 and err == "vanisher: error: Stopped by Ctrl-C; nothing was written.\n"
    assert desk.listing() == before


def test_an_unexpected_error_is_one_sentence_and_the_trace_on_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from vanisher_core import Vanisher

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug\nof two lines")

    monkeypatch.setattr(Vanisher, "erase", broken)
    status, _, err = desk.erase()
    assert status == 1 and err.count("\n") == 1 and "ZeroDivisionError" in err and "VANISHER_DEBUG=1" in err
    monkeypatch.setenv("VANISHER_DEBUG", "1")
    assert cli.main(["erase", str(desk.photo), "--mask", str(desk.mask)]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_memory_that_runs_out_is_said_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from vanisher_core import Vanisher

    def hungry(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Vanisher, "erase", hungry)
    status, _, err = desk.erase()
    assert status == 1 and "memory" in err


def test_progress_is_drawn_on_a_terminal_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, drawn in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with common.Progress() as progress:
            progress(0.5, "erasing")
        assert ("50% erasing" in stream.getvalue()) == drawn
        assert stream.getvalue().endswith("\r\033[K" if drawn else "")


def test_settings_refuse_what_their_option_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANISHER_GROW", "-1")
    with pytest.raises(UsageError, match="VANISHER_GROW"):
        common.setting(None, "VANISHER_GROW", common.whole, 0)
    assert common.setting(4, "VANISHER_GROW", common.whole, 0) == 4


def test_the_module_runs_as_a_process_of_its_own(desk: Desk) -> None:
    words = [
        sys.executable,
        "-m",
        "vanisher_core",
        "erase",
        str(desk.photo),
        "--mask",
        str(desk.mask),
        *EXEMPLAR,
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == ""
    assert hashlib.sha256((desk.folder / "a.vanished.png").read_bytes()).hexdigest() != file_digest(
        desk.photo
    )
    again = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 2 and "--overwrite" in again.stderr and "Traceback" not in again.stderr
