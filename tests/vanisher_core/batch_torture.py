"""A folder of everything that can lie in a folder of pictures, and a batch that is killed again and again.

    python -m tests.vanisher_core.batch_torture                 the full bar: 300 files, 20 kills
    python -m tests.vanisher_core.batch_torture --files 60 --kills 4

Each good picture must come out as `Vanisher.erase` makes it, each bad one be reported, nothing else be touched;
after all kills and the last `--resume` the results and the record must be those of an uninterrupted run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from tests.vanisher_core.photo_files import chunk, exif_block, pillow, smooth, tiff
from vanisher_core import Mask, Photo, Vanisher

MAX_BYTES = 4_000_000
"""Limit given to the batch, so that a sparse file of a few megabytes counts as huge."""
TIMES = ("seconds", "finished")
"""Fields of the record that differ from run to run."""
LONG = "long " + "n" * 240


@dataclass
class Tree:
    """What was built.

    Attributes:
        source: the pictures.
        masks: their masks.
        good: names that must be done.
        bad: names that must be reported -> a word of the reason.
        skipped: names that must be left alone, with a note.
    """

    source: Path
    masks: Path
    good: list[str] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def picture(rng: np.random.Generator, channels: int = 3, dtype: str = "uint8") -> np.ndarray:
    """A textured picture of 48 to 96 pixels with a flat blob in the middle."""
    height, width = (int(side) for side in rng.integers(48, 97, 2))
    base = smooth((height, width, max(channels, 1))).astype(float) + rng.normal(0, 6, (height, width, 1))
    base[blob((height, width))] = 250
    base = np.clip(base, 0, 255)
    if dtype == "float32":
        return np.squeeze(base / 255).astype(np.float32)
    return np.squeeze(base * (257 if dtype == "uint16" else 1)).astype(dtype)


def blob(shape: tuple[int, ...]) -> np.ndarray:
    """Bool HxW: a disc of a fifth of the shorter side."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - shape[0] / 2, columns - shape[1] / 2) < min(shape[:2]) / 5


Made = tuple[bytes, tuple[int, ...]]
"""The bytes of a file, and the (upright) shape for its mask."""


def _tiff_rgb16(rng: np.random.Generator) -> Made:
    array = picture(rng, dtype="uint16")
    return tiff(array, photometric="rgb"), array.shape


def _encoded(format: str, channels: int, **options: object) -> Callable[[np.random.Generator], Made]:
    def make(rng: np.random.Generator) -> Made:
        array = picture(rng, channels)
        return pillow(array, format, **options), array.shape

    return make


def _turned(rng: np.random.Generator) -> Made:
    array = picture(rng)
    return pillow(array, "JPEG", quality=92, exif=b"Exif\0\0" + exif_block(6)), array.shape[1::-1]


def _converted(mode: str, format: str) -> Callable[[np.random.Generator], Made]:
    def make(rng: np.random.Generator) -> Made:
        array = picture(rng)
        return pillow(Image.fromarray(array).convert(mode), format), array.shape

    return make


def _float_tiff(rng: np.random.Generator) -> Made:
    array = picture(rng, dtype="float32")
    return tiff(array, photometric="rgb"), array.shape


GOOD: dict[str, Callable[[np.random.Generator], Made]] = {
    "rgb.png": _encoded("PNG", 3),
    "photo.jpg": _encoded("JPEG", 3, quality=93),
    "Progressive.JPG": _encoded("JPEG", 3, progressive=True),
    "grey.png": _encoded("PNG", 1),
    "grey.jpeg": _encoded("JPEG", 1),
    "alpha.png": _encoded("PNG", 4),
    "grey alpha.png": _encoded("PNG", 2),
    "palette.png": _converted("P", "PNG"),
    "bilevel.png": _converted("1", "PNG"),
    "deep.tif": _tiff_rgb16,
    "float.tiff": _float_tiff,
    "lossless.webp": _encoded("WEBP", 3, lossless=True),
    "turned.jpg": _turned,
    "Überfahrt 海辺 🏖.png": _encoded("PNG", 3),
    "quote ' \" & <b> \n newline.png": _encoded("PNG", 3),
    os.fsdecode(b"latin-\xe9.png"): _encoded("PNG", 3),
    LONG[:236] + ".png": _encoded("PNG", 3),
    "lies.jpg": _encoded("PNG", 3),
    "read-only.png": _encoded("PNG", 3),
}


def _bomb(rng: np.random.Generator) -> bytes:
    """A PNG whose header says 60,000 x 60,000."""
    head = (60_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"\0") + chunk(b"IEND", b"")


def _with_nan(rng: np.random.Generator) -> bytes:
    array = picture(rng, dtype="float32")
    array[3, 4, 1] = np.nan
    return tiff(array, photometric="rgb")


BAD: dict[str, tuple[Callable[[np.random.Generator], bytes], str]] = {
    "empty.png": (lambda rng: b"", "empty"),
    "noise.jpg": (lambda rng: rng.bytes(3000), "no picture"),
    "cut.png": (lambda rng: _encoded("PNG", 3)(rng)[0][:-900], ""),
    "cut.jpg": (lambda rng: _encoded("JPEG", 3)(rng)[0][:400], ""),
    "cmyk.jpg": (lambda rng: _converted("CMYK", "JPEG")(rng)[0], "CMYK"),
    "gif.png": (lambda rng: _converted("P", "GIF")(rng)[0], "GIF"),
    "bomb.png": (_bomb, "60000"),
    "nan.tif": (_with_nan, "NaN"),
    "text.webp": (lambda rng: b"just a text", "no picture"),
}


def build(folder: Path, count: int, seed: int = 0) -> Tree:
    """Fills a folder with `count` pictures, good and bad in turns, and with what else is found in folders."""
    rng = np.random.default_rng(seed)
    tree = Tree(folder / "in", folder / "masks")
    kinds = [*GOOD, *BAD]
    for index in range(count):
        kind = kinds[index % len(kinds)]
        place = ("", "one/", "one/two two/", "drei/ö/")[index // len(kinds) % 4]
        name = f"{place}{index:03} {kind}"
        if kind in GOOD:
            data, shape = GOOD[kind](rng)
            tree.good.append(name)
        else:
            data, shape = BAD[kind][0](rng), (60, 60)
            tree.bad[name] = BAD[kind][1]
        _put(tree.source / name, data)
        if kind == "read-only.png":
            (tree.source / name).chmod(0o444)
        _put_mask(tree, name, blob(shape))
    _put_odd(tree, rng)
    return tree


def _put_odd(tree: Tree, rng: np.random.Generator) -> None:
    """What comes once: links, a pipe, a huge file, masks that do not fit, names that collide."""
    source, plain = tree.source, _encoded("PNG", 3)
    outside = source.parent / "outside.png"
    outside.write_bytes(plain(rng)[0])
    for name, target in {
        "link out.png": outside, "link nowhere.png": source / "gone.png", "link circle.png": source / "link circle.png",
    }.items():  # fmt: skip
        (source / name).symlink_to(target)
        tree.bad[name] = "symbolic link"
    (source / "link in.png").symlink_to(source / tree.good[0])
    (source / "one").mkdir(exist_ok=True)
    (source / "one" / "loop").symlink_to(source, target_is_directory=True)
    tree.skipped += ["link in.png", "one/loop"]
    os.mkfifo(source / "pipe.jpg")
    _put_mask(tree, "pipe.jpg", blob((60, 60)))
    tree.bad["pipe.jpg"] = "ordinary"
    with (source / "huge.tif").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    _put_mask(tree, "huge.tif", blob((60, 60)))
    tree.bad["huge.tif"] = "limit"
    for name, mask, word in (
        ("no mask.png", None, "no mask"),
        ("other size.png", np.zeros((20, 20), bool), "equal"),
        ("all.png", "full", "covers"),
        ("twin.png", "fit", "same file"),
        ("TWIN.png", "fit", "same file"),
    ):
        data, shape = plain(rng)
        _put(source / name, data)
        tree.bad[name] = word
        if mask is not None:
            shaped = {"full": np.ones(shape[:2], bool), "fit": blob(shape)}
            _put_mask(tree, name, shaped[mask] if isinstance(mask, str) else mask)
    (source / "folder.png").mkdir()
    (source / "notes.txt").write_text("not a picture")
    (source / ".hidden.png").write_bytes(b"not looked at")


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _put_mask(tree: Tree, name: str, mask: np.ndarray) -> None:
    path = tree.masks / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def command(tree: Tree, target: Path, *words: str, workers: int = 2) -> list[str]:
    """The batch's command line."""
    return [
        sys.executable, "-m", "vanisher_core", "batch", str(tree.source), str(target), "--masks", str(tree.masks),
        "--model", "exemplar", "--device", "cpu", "--workers", str(workers), "--json", *words,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """With the limit that makes the sparse file huge."""
    return os.environ | {"VANISHER_MAX_BYTES": str(MAX_BYTES)}


def run(tree: Tree, target: Path, *words: str, workers: int = 2) -> tuple[int, dict[str, object]]:
    """A batch from beginning to end: exit status and what it says."""
    done = subprocess.run(
        command(tree, target, *words, workers=workers), env=environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def run_killed(tree: Tree, target: Path, rng: random.Random, most: int) -> bool:
    """A batch that is killed after some new lines of the record and a moment more; False if it came to its end."""
    record = target / "vanisher-batch" / "manifest.jsonl"
    before = lines(record)
    wanted, moment = rng.randint(0, most), rng.uniform(0, 0.08)
    process = subprocess.Popen(
        command(tree, target, "--resume"),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and lines(record) < before + wanted:
        time.sleep(0.002)
    time.sleep(moment)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return not ended


def lines(path: Path) -> int:
    """How many lines a file has; 0 if there is none."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def snapshot(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Every file below a folder: digest or link target, permissions, time of change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        if stat.S_ISLNK(about.st_mode):
            content = str(path.readlink())
        elif stat.S_ISREG(about.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            content = ""
        found[str(path.relative_to(folder))] = (content, about.st_mode, about.st_mtime_ns)
    return found


def results(target: Path) -> dict[str, str]:
    """Everything below the output folder but the record: name -> digest."""
    found = snapshot(target)
    return {name: about[0] for name, about in found.items() if not name.endswith(("manifest.jsonl", "/lock"))}


def record(target: Path) -> dict[str, dict[str, object]]:
    """The last line about each picture, without times."""
    found = {}
    for raw in (target / "vanisher-batch" / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(raw)
        found[line["input"]] = {name: value for name, value in line.items() if name not in TIMES}
    return found


def check_complete(tree: Tree, target: Path) -> None:
    """Each good picture right, each bad one reported, each exactly once."""
    text = (target / "vanisher-batch" / "manifest.jsonl").read_text(encoding="utf-8")
    names = [json.loads(raw)["input"] for raw in text.splitlines()]
    assert sorted(names) == sorted(set(names)), "a picture was done twice"
    told = record(target)
    assert set(told) == {*tree.good, *tree.bad}
    vanisher = Vanisher(device="cpu", model="exemplar")
    for name in tree.good:
        assert told[name]["status"] == "done", told[name]
        photo = Photo.open(tree.source / name)
        expected = vanisher.erase(photo, Mask.open(tree.masks / f"{name}.png")).photo
        format = "JPEG" if name.lower().endswith((".jpg", ".jpeg")) else None
        assert (target / name).read_bytes() == expected.to_bytes(format), name
    for name, word in tree.bad.items():
        assert told[name]["status"] in ("failed", "refused"), told[name]
        error = told[name]["error"]
        assert isinstance(error, dict) and word in error["message"], (name, error)
        assert not (target / name).exists(), name
    files = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("vanisher-batch/")} == set(tree.good)


def torture(folder: Path, files: int, kills: int, seed: int) -> dict[str, object]:
    """The whole bar; raises AssertionError where it is missed."""
    tree = build(folder, files, seed)
    untouched = snapshot(tree.source), snapshot(tree.masks)
    status, told = run(tree, folder / "whole")
    assert status == 1 and told["done"] == len(tree.good), told
    check_complete(tree, folder / "whole")
    rng = random.Random(seed)
    killed = 0
    while killed < kills and run_killed(tree, folder / "killed", rng, files // kills):
        killed += 1
    status, told = run(tree, folder / "killed", "--resume")
    assert status == 1, told
    check_complete(tree, folder / "killed")
    assert results(folder / "killed") == results(folder / "whole")
    assert record(folder / "killed") == record(folder / "whole")
    assert (snapshot(tree.source), snapshot(tree.masks)) == untouched
    return {"files": files, "good": len(tree.good), "bad": len(tree.bad), "kills": killed}


def main() -> None:
    """Runs it and says how it went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        told = torture(Path(folder), chosen.files, chosen.kills, chosen.seed)
        assert told["kills"] == chosen.kills, f"the batch ended after {told['kills']} kills: take more files"
        print(json.dumps({**told, "seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
