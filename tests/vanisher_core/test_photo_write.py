"""Writing: whole or not at all, nothing overwritten unasked, no file left behind, the original intact."""

import os
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.vanisher_core.photo_files import noise
from vanisher_core.codecs import atomic
from vanisher_core.errors import OutputError, UsageError
from vanisher_core.photo import Metadata, Photo, SaveReport

PHOTO = Photo.from_array(noise((40, 50, 3)))


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_save_reports(tmp_path):
    report = PHOTO.save(tmp_path / "a.png")
    assert report == SaveReport(tmp_path / "a.png", "PNG", False, [])
    assert names(tmp_path) == ["a.png"]
    np.testing.assert_array_equal(Photo.open(tmp_path / "a.png").array, PHOTO.array)
    report = PHOTO.save(str(tmp_path / "a.JPG"))
    assert (report.format, report.reencoded) == ("JPEG", True)
    assert "lossy" in report.notes[0]
    assert PHOTO.save(tmp_path / "bare").format == "PNG"


def test_existing_output_is_kept_unless_asked(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"a\.png: exists already.*--overwrite"):
        PHOTO.save(path)
    assert path.read_bytes() == b"mine"
    PHOTO.save(path, overwrite=True)
    assert Photo.open(path).size == (50, 40)
    assert names(tmp_path) == ["a.png"]


def test_the_original_is_refused_as_output(tmp_path):
    path = tmp_path / "a.png"
    PHOTO.save(path)
    before = path.read_bytes()
    photo = Photo.open(path)
    changed = photo.with_array(255 - photo.array)
    link = tmp_path / "link.png"
    link.symlink_to(path)
    for output in (path, link, tmp_path / "." / "a.png"):
        with pytest.raises(UsageError, match="exists already"):
            changed.save(output)
    changed.save(link, overwrite=True)  # the link is replaced, what it pointed to is not touched
    assert path.read_bytes() == before


def test_one_of_many_writers_wins(tmp_path):
    path, results = tmp_path / "a.bin", []

    def run(number):
        try:
            atomic.write(path, bytes([number]) * 1000)
            results.append(number)
        except UsageError:
            pass

    threads = [threading.Thread(target=run, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 1
    assert path.read_bytes() == bytes(results) * 1000
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("fails", [PermissionError(1, "no links here"), FileExistsError(17, "exists")])
def test_without_hard_links(tmp_path, monkeypatch, fails):
    def refuse(*_args, **_options):
        raise fails

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a.bin"
    if isinstance(fails, FileExistsError):
        with pytest.raises(UsageError, match="exists already"):
            atomic.write(path, b"new")
        assert names(tmp_path) == []
        return
    atomic.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path, umask):
    old = os.umask(umask)
    try:
        PHOTO.save(tmp_path / "a.png")
    finally:
        os.umask(old)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o666 & ~umask


def test_missing_folder_and_folder_as_file(tmp_path):
    with pytest.raises(OutputError, match="does not exist; create it first"):
        PHOTO.save(tmp_path / "none" / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        PHOTO.save(tmp_path / "b.png", overwrite=True)
    assert names(tmp_path) == ["b.png"]


def test_read_only_folder(tmp_path, monkeypatch):
    tmp_path.chmod(0o555)
    if sys.platform == "win32" or os.geteuid() == 0:  # the super-user may write everywhere: refuse by hand
        real = os.open

        def refuse(path, flags, *rest):
            if flags & os.O_CREAT:
                raise PermissionError(13, "Permission denied")
            return real(path, flags, *rest)

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OutputError, match=r"a\.png: cannot be written \(Permission denied\)"):
        PHOTO.save(tmp_path / "a.png")
    tmp_path.chmod(0o755)
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", ["fsync", "name"])
def test_failure_on_the_way_leaves_nothing_and_keeps_the_old(tmp_path, monkeypatch, error, stage):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_args, **_options):
        raise error

    if stage == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError
    with pytest.raises(expected):
        PHOTO.save(path, overwrite=True)
    assert names(tmp_path) == ["a.png"]
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_full_disk_in_mid_write(tmp_path):
    code = textwrap.dedent(
        """
        import resource, sys
        import numpy as np
        from vanisher_core.errors import OutputError
        from vanisher_core.photo import Photo
        noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        try:
            Photo.from_array(noise).save(sys.argv[1])
        except OutputError as error:
            print(error)
            raise SystemExit(error.exit_status)
        """
    )
    command = [sys.executable, "-W", "error", "-B", "-c", code, str(tmp_path / "a.png")]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "a.png: cannot be written (File too large)" in done.stdout
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("shape", "dtype", "suffix", "message"),
    [
        ((1, 65501, 3), "uint8", ".jpg", "65500 pixels and the picture is 65501 x 1"),
        ((16384, 1, 3), "uint8", ".webp", "16383 pixels and the picture is 1 x 16384"),
        ((4, 4, 3), "uint16", ".jpg", "8-bit grey or RGB"),
        ((4, 4, 4), "uint8", ".jpg", "without alpha"),
        ((4, 4, 3), "uint16", ".webp", "8 bits a channel, not uint16"),
        ((4, 4, 3), "float32", ".png", r"float samples; save as \.tif"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, shape, dtype, suffix, message):
    photo = Photo.from_array(noise(shape, dtype))
    for attempt in (photo.check_savable, photo.save):
        with pytest.raises(OutputError, match=message) as caught:
            attempt(tmp_path / f"a{suffix}")
        assert "save as" in str(caught.value)
    assert names(tmp_path) == []


def test_unknown_suffix_and_format(tmp_path):
    for attempt in (PHOTO.check_savable, PHOTO.save):
        with pytest.raises(UsageError, match=r"cannot write '\.gif'.*\.png"):
            attempt(tmp_path / "a.gif")
    with pytest.raises(UsageError, match="format 'BMP' is unknown"):
        PHOTO.to_bytes("BMP")


def test_what_can_be_saved_passes_the_check_and_nothing_is_written(tmp_path):
    for dtype, suffixes in (
        ("uint8", (".png", ".JPG", ".tif", ".webp", "")),
        ("uint16", (".png", ".tif", "")),
        ("float32", (".tiff", "")),
    ):
        for suffix in suffixes:
            Photo.from_array(noise((4, 5, 3), dtype)).check_savable(tmp_path / f"a{suffix}")
    assert names(tmp_path) == []


def test_a_profile_too_large_for_jpeg_is_found_by_the_check(tmp_path):
    photo = replace(PHOTO, metadata=Metadata(icc=bytes(255 * 65519 + 1)))
    for attempt in (photo.check_savable, photo.save):
        with pytest.raises(OutputError, match="too many for JPEG"):
            attempt(tmp_path / "a.jpg")
    replace(PHOTO, metadata=Metadata(icc=bytes(255 * 65519))).check_savable(tmp_path / "a.jpg")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_exported_weights_follow_the_umask_too(tmp_path, umask):
    from torch import nn

    from training.common import export_weights

    old = os.umask(umask)
    try:
        path = export_weights(nn.Linear(2, 2), tmp_path / "x.safetensors", {"task": "inpaint"})
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
