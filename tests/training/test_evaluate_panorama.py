"""The panorama figures on rooms rendered here: right on fills whose answer is known, and from rooms to tables."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panorama.rooms import render
from panorama.sphere import Frame
from training import evaluate, evaluate_panorama, panorama_speed
from training.evaluate_panorama import run_rooms, share
from training.panorama_bars import OURS, Seam, bars, roll_bars, rolled, seam, seam_lines
from training.panorama_rooms import RoomCase, grown_hole, opened, relit, rooms, unfolded
from training.peers import peer
from training.report import by_method
from vanisher_core.errors import HopelessFill

WIDTH = 128
SEED = 10_000


@pytest.fixture(scope="module")
def cache(small_room: Path) -> Path:
    """A folder with one small room as the renderer leaves it."""
    return small_room


def plain_case(hole: np.ndarray, furnished: np.ndarray | None = None) -> RoomCase:
    generator = np.random.default_rng(0)
    empty = generator.integers(90, 110, (*hole.shape, 3)).astype(np.uint8)
    return RoomCase(1, empty if furnished is None else furnished, empty, hole, "PNG")


def box_hole(left: int, right: int, top: int = 24, bottom: int = 40) -> np.ndarray:
    hole = np.zeros((64, 128), bool)
    hole[top:bottom, np.arange(left, right) % 128] = True
    return hole


def test_a_cached_room_is_read_and_its_hole_is_the_grown_class_mask(cache: Path) -> None:
    (case,) = rooms(cache, 1, WIDTH)
    classes = np.asarray(Image.open(cache / f"{SEED}-classes.png"))
    assert case.hole[classes > 0].all()
    assert case.hole.sum() > (classes > 0).sum()
    assert case.format == "PNG"
    assert np.array_equal(case.empty, np.asarray(Image.open(cache / f"{SEED}-empty.png")))
    assert 0 < share(case) < 1


def test_another_width_than_the_cache_holds_is_an_error(cache: Path) -> None:
    with pytest.raises(ValueError, match="128 pixels wide and 256"):
        opened(cache, SEED, 256)


def test_a_missing_room_is_rendered_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "training.panorama_rooms.render", lambda seed, width: render(seed, width, quality="draft")
    )
    (case,) = rooms(tmp_path / "new", 1, 64)
    assert case.hole.shape == (32, 64)
    assert json.loads((tmp_path / "new" / f"{SEED}.json").read_text())["seed"] == SEED


def test_the_hole_goes_round_the_seam() -> None:
    hole = grown_hole(box_hole(120, 136))
    assert np.array_equal(hole, np.roll(grown_hole(box_hole(20, 36)), 100, axis=1))


def test_relit_truth_takes_the_light_of_the_rim() -> None:
    hole = box_hole(120, 136)
    dark = plain_case(hole)
    dark = dark._replace(furnished=(dark.empty - 40).astype(np.uint8))
    truth = relit(dark)
    assert np.array_equal(truth[~hole], dark.furnished[~hole])
    assert np.abs(truth[hole].astype(int) - dark.empty[hole] + 40).max() <= 1


def test_unfolding_shows_every_texel_at_its_own_resolution() -> None:
    frame = Frame.full(128, 64)
    rows = np.repeat(np.arange(64, dtype=np.uint8)[:, None] * 4, 128, axis=1)
    flat = unfolded(frame, rows)
    assert flat.shape[0] * 3 == flat.shape[1] * 2
    assert flat.min() < 4 and flat.max() > 248
    weights = np.cos(frame.pitch(np.arange(64)))
    marks = np.zeros((64, 128), np.uint8)
    marks[:, 40:60] = 255
    seen = unfolded(frame, marks, linear=True) > 127
    assert seen.mean() == pytest.approx(float((marks > 0).mean(axis=1) @ weights / weights.sum()), abs=0.02)


def test_seam_energy_is_one_without_a_seam_and_large_with_one() -> None:
    case = plain_case(box_hole(110, 146))
    smooth = seam("a", case, case.empty)
    assert smooth.rows == 16 and smooth.across / smooth.beside == pytest.approx(1, abs=0.15)
    stepped = case.empty.copy()
    stepped[:, :64] += 60
    broken = seam("a", case, stepped)
    assert broken.across / broken.beside > 5
    assert broken.beside == smooth.beside
    assert seam("a", plain_case(box_hole(40, 60)), case.empty).rows == 0


def test_rows_near_the_poles_say_nothing_about_the_seam() -> None:
    case = plain_case(box_hole(0, 128, top=56, bottom=64))
    assert seam("a", case, case.empty).rows == 0


def test_a_perfect_fill_is_perfect_and_the_rest_of_the_picture_does_not_count() -> None:
    case = plain_case(box_hole(30, 60))
    case = case._replace(furnished=np.where(case.hole[..., None], 0, case.empty // 2).astype(np.uint8))

    def truth(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        return np.where(hole[..., None], case.empty, rgb)

    outcome = run_rooms({OURS: truth, "grey": lambda rgb, hole: np.where(hole[..., None], 128, rgb).astype(np.uint8)},
                        [case], None)  # fmt: skip
    table = by_method([row for row in outcome.rows if row.size == "empty"])
    assert table[OURS][0].measures.psnr == 100
    assert table["grey"][0].measures.psnr < 30
    assert outcome.outside == 0 and not outcome.refusals


def test_samples_changed_outside_the_hole_are_counted() -> None:
    case = plain_case(box_hole(30, 60))

    def careless(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        out = rgb.copy()
        out[0, :5, 0] += 1
        return out

    outcome = run_rooms({OURS: careless}, [case], None)
    assert outcome.outside == 5
    exact = bars(by_method(outcome.rows), [], [], outcome.seams, outcome.outside)[-1]
    assert exact.met is False and "5 samples" in exact.measured


def test_a_refused_room_is_left_out_for_all_and_told() -> None:
    def refuses(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        raise HopelessFill("too large")

    outcome = run_rooms({"telea": peer("telea"), OURS: refuses}, [plain_case(box_hole(30, 60))], None)
    assert not outcome.rows and outcome.refusals == [f"{OURS}, room 1: too large"]
    assert [bar.met for bar in bars({}, [], [], [], 0)] == [False]


def test_seam_bar_allows_chance_and_refuses_a_seam() -> None:
    def judged(across: float) -> bool | None:
        seams = [Seam(OURS, seed, across + 0.1 * (seed % 3 - 1), 1.0, 20) for seed in range(9)]
        table = by_method(run_rooms({OURS: peer("telea")}, [plain_case(box_hole(30, 60))], None).rows)
        return next(bar.met for bar in bars(table, [], [], seams, 0) if "seam" in bar.what)

    assert judged(0.9) is True and judged(1.03) is True and judged(1.5) is False
    assert len(seam_lines([Seam(OURS, 1, 2.0, 1.0, 4), Seam(OURS, 2, 0.0, 0.0, 0)])) == 3


def test_the_roll_test_finds_a_fill_that_depends_on_the_seam() -> None:
    case = plain_case(box_hole(120, 136))

    def ramp(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        return np.where(hole[..., None], np.arange(128, dtype=np.uint8)[None, :, None], rgb)

    assert [bar.met for bar in roll_bars(rolled(ramp, case))] == [False, True]
    assert [bar.met for bar in roll_bars(rolled(lambda rgb, hole: rgb, case))] == [True, True]


def test_the_command_writes_tables_figures_and_plates(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, plates = tmp_path / "out", tmp_path / "plates"
    arguments = ["--rooms", "1", "--width", str(WIDTH), "--cache", str(cache), "--no-lpips", "--threads", "1"]
    status = evaluate.main(["panorama", *arguments, "--out", str(out), "--plates", str(plates)])
    printed = capsys.readouterr().out
    assert status in (0, 1)
    assert "met: exact outside the hole (0 samples differ)" in printed
    assert "met: roll then erase = erase then roll" in printed and "not judged: LPIPS" in printed
    assert (out / "panorama.md").read_text() == printed
    with (out / "panorama.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert {line["size"] for line in lines} == {"empty", "relit"}
    assert OURS in {line["method"] for line in lines}
    (plate,) = plates.glob("*.png")
    assert np.asarray(Image.open(plate)).shape == (5 * WIDTH // 2, WIDTH, 3)


def test_bad_usage_is_told_with_the_value(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate_panorama.main(["--rooms", "0", "--no-lpips"]) == 2
    assert "got 0" in capsys.readouterr().err
    assert evaluate_panorama.main(["--rooms", "1", "--no-lpips", "--width", "64", "--cache", str(cache)]) == 2
    assert str(cache) in capsys.readouterr().err


def test_six_objects_cover_a_tenth_of_the_sphere_and_cross_the_seam() -> None:
    marks = panorama_speed.six_objects(1024).array > 0
    frame = Frame.full(1024, 512)
    weights = np.cos(frame.pitch(np.arange(512)))
    assert marks.mean(axis=1) @ weights / weights.sum() == pytest.approx(0.1, abs=0.002)
    assert (marks[:, 0] & marks[:, -1]).any()


def test_an_enlarged_room_has_grain_everywhere() -> None:
    grey = np.full((32, 64, 3), 100, np.uint8)
    large = panorama_speed.enlarged(grey, 1024)
    assert large.shape == (512, 1024, 3)
    assert large.std() == pytest.approx(panorama_speed.GRAIN, rel=0.05)
    assert np.array_equal(large, panorama_speed.enlarged(grey, 1024))


def test_timing_keeps_geometry_apart_and_memory_is_that_of_a_fresh_process() -> None:
    vanisher = panorama_speed.Timed("cpu")
    panorama = panorama_speed.Panorama.from_array(
        panorama_speed.enlarged(np.full((32, 64, 3), 90, np.uint8), 256)
    )
    found = panorama_speed.seconds(vanisher, panorama, nadir=panorama_speed.NADIR)
    assert 0 < found.geometry < found.total
    assert 50 < panorama_speed.peak_megabytes("cpu", width=256) < 3000
