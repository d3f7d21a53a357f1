"""The blind comparison: sealed until all is judged, counted right, and not to be judged twice."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from training import blind, speed
from training.evaluate_inpaint import Case
from training.holes import HoleCase
from training.validation import Sample

COUNT = 6


def ours(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.where(hole[..., None], np.uint8(0), rgb).astype(np.uint8)


def theirs(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.where(hole[..., None], np.uint8(255), rgb).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    hole = HoleCase(speed.centred_hole((48, 40), (12, 10)), "box", "5-10 %")
    cases = [Case(Sample(f"p{index}", speed.scene((48, 40), index)), hole) for index in range(COUNT)]
    out = tmp_path / "blind"
    page = blind.make(out, cases, ours, theirs)
    assert page.read_text().count("<img") == COUNT
    return out


def judge(folder: Path, answers: list[str]) -> None:
    sheet = folder / blind.SHEET
    head, *lines = sheet.read_text().splitlines()
    rows = list(csv.DictReader(lines))
    with sheet.open("w", newline="") as file:
        file.write(head + "\n")
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"better": answer} for row, answer in zip(rows, answers, strict=True))


def order(folder: Path) -> list[str]:
    return list(blind.unseal((folder / blind.KEY).read_text()).values())


def test_the_plates_show_what_the_key_says(folder: Path) -> None:
    from PIL import Image

    for number, side in enumerate(order(folder), 1):
        shown = np.asarray(Image.open(folder / f"{number:02d}.png"))
        middle = [int(shown[14 + 20, 48 * part + 24].mean()) for part in (1, 2)]
        assert middle == ([0, 255] if side == "A" else [255, 0])


def test_nothing_readable_tells_the_order(folder: Path) -> None:
    key = (folder / blind.KEY).read_text()
    assert "A" not in key and '"' not in key  # hexadecimal in lower case
    assert all(name not in (folder / "index.html").read_text().lower() for name in ("vanisher", "patchmatch"))


def test_the_key_stays_sealed_until_all_are_judged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge(folder, ["A"] * (COUNT - 2) + ["", "?"])
    assert blind.main(["tally", str(folder)]) == 2
    assert "2 of 6 cases are not judged (05, 06)" in capsys.readouterr().err
    assert not (folder / blind.OPENED).exists()


def test_wins_ties_and_the_bar(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = order(folder)
    judge(folder, [*right[:5], "="])
    assert blind.main(["tally", str(folder)]) == 0
    assert "ours 5, the rival 0, ties 1" in capsys.readouterr().out
    assert blind.main(["tally", str(folder)]) == 0  # the same judgements again
    judge(folder, [*right[:4], "=", "="])
    assert blind.main(["tally", str(folder)]) == 2
    assert "opened already" in capsys.readouterr().err


def test_losing_misses_the_bar(folder: Path) -> None:
    judge(folder, [{"A": "b", "B": "a"}[side] for side in order(folder)])
    assert blind.tally(folder).met is False


def test_key_and_sheet_belong_together(folder: Path) -> None:
    judge(folder, ["A"] * COUNT)
    (folder / blind.KEY).write_text(blind.seal({f"{n:02d}": "A" for n in range(1, COUNT + 1)}))
    with pytest.raises(ValueError, match="exchanged"):
        blind.tally(folder)


def test_a_comparison_is_not_overwritten(folder: Path) -> None:
    with pytest.raises(FileExistsError, match="another folder"):
        blind.make(folder, [], ours, theirs)


def test_sign_test_is_the_binomial_tail() -> None:
    assert blind.sign_test(18, 6) == pytest.approx(0.0113, abs=1e-4)
    assert blind.sign_test(0, 5) == 1
    assert blind.sign_test(5, 0) == 1 / 32
    assert math.isclose(blind.sign_test(0, 0), 1)
