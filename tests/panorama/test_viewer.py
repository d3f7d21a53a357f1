"""The page to look round in: one file that needs nothing else."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panorama import Frame, write_viewer
from panorama.viewer import preview
from vanisher_core import Photo, errors


def test_the_page_is_whole_and_calls_nobody(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 65536, (300, 600, 3), np.uint16)
    frame = Frame(600, 300, 600, 340, 0, 20)
    write_viewer(
        tmp_path / "v.html", frame, Photo.from_array(array), Photo.from_array(array[::-1]), title="<a&b>"
    )
    page = (tmp_path / "v.html").read_text()
    assert "&lt;a&amp;b&gt;" in page
    assert "{{" not in page
    assert not re.search(r"(src|href)\s*=|https?://|@import|fetch\(", page.replace("image.src = url", ""))
    facts = json.loads(re.search(r"const facts = (\{.*?\});", page)[1])  # type: ignore[index]
    assert facts["full"] == [600, 340]
    assert facts["crop"] == [0, 20, 600, 300]
    for name in ("before", "after"):
        image = Image.open(io.BytesIO(base64.b64decode(facts[name].split(",")[1])))
        assert image.size == (600, 300)


def test_large_pictures_are_embedded_at_4096(tmp_path: Path) -> None:
    photo = Photo.from_array(np.zeros((2100, 4200), np.uint8))
    write_viewer(tmp_path / "v.html", Frame.full(4200, 2100), photo, photo)
    facts = json.loads(re.search(r"const facts = (\{.*?\});", (tmp_path / "v.html").read_text())[1])  # type: ignore[index]
    assert Image.open(io.BytesIO(base64.b64decode(facts["after"].split(",")[1]))).size == (4096, 2048)


def test_bad_names_are_refused(tmp_path: Path) -> None:
    photo = Photo.from_array(np.zeros((4, 8), np.uint8))
    with pytest.raises(errors.UsageError, match="html"):
        write_viewer(tmp_path / "v.txt", Frame.full(8, 4), photo, photo)
    (tmp_path / "v.html").write_text("mine")
    with pytest.raises(errors.VanisherError):
        write_viewer(tmp_path / "v.html", Frame.full(8, 4), photo, photo)


@pytest.mark.parametrize("shape", [(64, 128), (64, 128, 2), (64, 128, 4)])
def test_a_preview_shows_both(shape: tuple[int, ...]) -> None:
    shown = preview(
        Photo.from_array(np.zeros(shape, np.float32)), Photo.from_array(np.ones(shape, np.float32))
    )
    assert shown.size == (128, 132)
    assert not shown.array[:64].any()
    assert shown.array[70:].min() > 200
