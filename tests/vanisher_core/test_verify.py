"""`vanisher verify`: one changed pixel outside the mask is found, in every format where that can be proved."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.vanisher_core.disclosure_files import disc, pixels, signing_chain, write_inputs
from tests.vanisher_core.test_disclosure import erase
from vanisher_core import Mask, Photo, cli
from vanisher_core.replay import load
from vanisher_core.verify import verdict, verify

NAMES = ("a.jpg", "a.png", "a.tif", "a.webp")


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


def verdicts(told: str) -> dict[str, bool | None]:
    """Check by check, from the JSON that stands last."""
    return {check["name"]: check["ok"] for check in json.loads(told.splitlines()[-1])["checks"]}


def outside(folder: Path, data: bytes) -> tuple[bool | None, str, bool]:
    """The verdict on what lies outside the mask, in words too, and the verdict on the whole."""
    receipt, kind = load(folder / "a.receipt.json")
    original = next(folder.glob("a.original.*")).read_bytes()
    checks = verify(data, receipt, kind, original, Mask.open(folder / "a.mask.png"))
    one = next(check for check in checks if check.name == "outside")
    return one.ok, one.found, verdict(checks)


@pytest.mark.parametrize("label", [(), ("--label", "Altered", "--label-place", "top-right")])
@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_result_is_right_and_one_pixel_makes_it_wrong(
    tmp_path: Path, capsys, name: str, label
) -> None:
    photo, mask = write_inputs(tmp_path, name, **({"lossless": True} if name.endswith("webp") else {}))
    assert erase(photo, mask, "--disclose", *label) == 0
    out = tmp_path / name.replace(".", ".vanished.")
    assert run("verify", out) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    result = Photo.open(out)
    array = result.array.copy()
    y, x = (60, 90) if not label else (40, 94)
    array[y, x] = array[y, x] ^ (1 if name != "a.jpg" else 64)
    out.write_bytes(result.with_array(array).to_bytes())
    assert run("verify", out) == 1
    told = capsys.readouterr().out
    assert "NOT as its receipt says" in told and "outside the mask" in told
    if name != "a.jpg":
        assert f"1 pixel is changed outside the mask, within x {x}-{x}, y {y}-{y}" in told


@settings(max_examples=25)
@given(st.integers(0, 63), st.integers(0, 95), st.integers(0, 2), st.integers(1, 255))
def test_any_sample_outside_is_seen_and_any_inside_is_not_blamed(pack, y, x, channel, change) -> None:
    data = next(pack.glob("a.vanished.png")).read_bytes()
    result = Photo.from_bytes(data)
    receipt, kind = load(pack / "a.receipt.json")
    changed = kind.changed(receipt, Photo.open(pack / "a.png"), Mask.open(pack / "a.mask.png"))
    array = result.array.copy()
    array[y, x, channel] ^= change
    ok, _, all_right = outside(pack, result.with_array(array).to_bytes())
    assert ok is bool(changed[y, x]) and not all_right  # the file's hash tells of a change inside


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    photo, mask = write_inputs(folder, "a.png")
    assert erase(photo, mask, "--disclose") == 0
    return folder


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_jpegs_are_proved_block_for_block(tmp_path: Path, subsampling: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    size = (150, 101)
    photo, mask = tmp_path / "a.jpg", tmp_path / "m.png"
    Image.fromarray(pixels(size[1], size[0])).save(photo, quality=80, subsampling=subsampling, exif=exif)
    upright = disc(*(size[::-1] if orientation == 1 else size))
    Image.fromarray(upright).save(mask)
    assert erase(photo, mask, "--disclose") == 0
    data = (tmp_path / "a.vanished.jpg").read_bytes()
    ok, told, right = outside(tmp_path, data)
    assert (ok, right) == (True, True) and "block" in told
    result = Photo.from_bytes(data)
    array = result.array.copy()
    array[-1, -1] ^= 64
    assert outside(tmp_path, result.with_array(array).to_bytes())[0] is False
    again = Photo.from_bytes(result.with_array(array ^ np.uint8(0)).to_bytes())
    assert again.size == result.size


def test_other_formats_palettes_and_grey_are_compared_as_they_are_coded(tmp_path: Path) -> None:
    grey = pixels()[..., 1]
    for number, (image, out) in enumerate(
        (
            (Image.fromarray(grey), "b.webp"),
            (Image.fromarray(pixels()).quantize(32), "b.png"),
            (Image.fromarray(grey > 120), "b.png"),
            (Image.fromarray(pixels()), "b.jpg"),
            (Image.fromarray(np.dstack([pixels(), grey])), "b.tif"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        image.save(folder / "a.png")
        Image.fromarray(disc()).save(folder / "m.png")
        words = ("--disclose", "--label", "Altered", "--label-size", 10, "-o", folder / out)
        assert erase(folder / "a.png", folder / "m.png", *words) == 0
        assert run("verify", folder / out) == 0


def test_lossy_webp_is_not_proved_but_replayed(tmp_path: Path, capsys) -> None:
    photo, mask = write_inputs(tmp_path, "a.webp", quality=80)
    assert erase(photo, mask, "--disclose") == 0
    assert run("verify", tmp_path / "a.vanished.webp", "--json") == 0
    checks = verdicts(capsys.readouterr().out)
    assert checks["outside"] is None and checks["file"] is True
    assert run("verify", tmp_path / "a.vanished.webp", "--replay") == 0
    assert "the same bytes came out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda folder: (folder / "a.original.png").write_bytes(_other()), "original"),
        (lambda folder: Image.fromarray(disc()[::-1]).save(folder / "a.mask.png"), "mask"),
        (lambda folder: Image.new("L", (10, 10)).save(folder / "a.mask.png"), "outside"),
        (
            lambda folder: (folder / "a.vanished.png").write_bytes(
                Photo.open(folder / "a.vanished.png").with_xmp(b"<none/>").to_bytes()
            ),
            "mark",
        ),
    ],
)
def test_every_part_of_the_pack_is_checked(tmp_path: Path, capsys, spoil, check: str) -> None:
    photo, mask = write_inputs(tmp_path, "a.png")
    assert erase(photo, mask, "--disclose") == 0
    spoil(tmp_path)
    status = run("verify", tmp_path / "a.vanished.png", "--json")
    checks = verdicts(capsys.readouterr().out)
    assert status == 1 and checks[check] is False


def _other() -> bytes:
    return Photo.from_array(255 - pixels()).to_bytes("PNG")


def test_a_broken_signature_is_wrong(tmp_path: Path, capsys) -> None:
    pytest.importorskip("c2pa")
    photo, mask = write_inputs(tmp_path)
    chain, key, _ = signing_chain(tmp_path)
    assert erase(photo, mask, "--c2pa-cert", chain, "--c2pa-key", key) == 0
    out = tmp_path / "a.vanished.jpg"
    assert run("verify", out) == 0
    assert "signed by Test signer" in capsys.readouterr().out
    out.write_bytes(out.read_bytes().replace(b"A. Photographer", b"B. Photographer"))
    assert run("verify", out) == 1
    assert "content credentials are broken" in capsys.readouterr().out


def test_missing_parts_are_asked_for(tmp_path: Path, capsys) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "--receipt", tmp_path / "r.json") == 0
    out = tmp_path / "a.vanished.jpg"
    assert run("verify", out) == 2
    assert "--receipt" in capsys.readouterr().err
    assert run("verify", out, "--receipt", tmp_path / "r.json", "--original", photo, "--mask", mask) == 0
