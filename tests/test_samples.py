"""The demonstration's own arithmetic: it must fail when something outside the mask changed."""

from pathlib import Path

import pytest
from PIL import Image

from samples import demo


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setattr(demo, "FOLDER", tmp_path)
    return demo.prepare()


def test_photograph_and_mask_are_of_one_size(files: tuple[Path, Path]) -> None:
    photo, mask = map(demo.read, files)
    assert photo.shape == (512, 512, 3) and mask.shape == (512, 512)
    assert 0.01 < (mask > 127).mean() < 0.05


def test_a_change_inside_is_no_fault_and_one_outside_is(files: tuple[Path, Path]) -> None:
    photo, mask = files
    before = demo.read(photo)
    result = photo.with_name("result.png")
    for place, faults in (((385, 172), 0), ((20, 20), 1)):
        after = before.copy()
        after[*place, 0] ^= 1
        Image.fromarray(after).save(result)
        plate, changed, looked = demo.compare(photo, mask, result)
        assert changed == faults and looked > 512 * 512
        assert demo.read(plate).shape == (512, 3 * 512, 3)
