"""The evaluation from shards to tables, on pictures drawn here and with rivals that are always installed."""

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training import evaluate, evaluate_inpaint, speed
from training.evaluate_inpaint import Row, cases_of, run_cases
from training.inpaint_bars import bars
from training.intervals import bootstrap, paired, ratio, ratio_difference
from training.metrics import Measures
from training.peers import PeerMissing, installed, peer
from training.report import by_method, default_table, group_table, paired_table
from training.validation import crops, data_folder, samples, short_side_to, silhouettes
from vanisher_core.errors import HopelessFill


def write_shard(path: Path, files: dict[str, np.ndarray]) -> None:
    """A tar shard of pictures; a name's ending chooses the format."""
    with tarfile.open(path, "w") as archive:
        for name, array in files.items():
            buffer = io.BytesIO()
            Image.fromarray(array).save(buffer, "PNG" if name.endswith("png") else "WEBP", method=0)
            entry = tarfile.TarInfo(name)
            entry.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(entry, buffer)


def figure_mask(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[20:60, 30:50] = 255
    mask[8:20, 36:44] = 255
    return mask


@pytest.fixture(scope="module")
def shards_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    write_shard(
        folder / "scenes-val-000.tar",
        {f"drew_{index:05d}.webp": speed.scene((340, 300), index) for index in range(5)},
    )
    hires = {"stunning_00001.webp": (1000, 800), "drew_00002.webp": (800, 900), "mate_00003.webp": (800, 800)}
    write_shard(folder / "hires-000.tar", {name: speed.scene(size, 7) for name, size in hires.items()})
    people = {}
    for key in ("coco-1", "cocov-2"):
        people |= {f"{key}.webp": speed.scene((100, 80)), f"{key}.mask.png": figure_mask(80, 100)}
    write_shard(folder / "people-000.tar", people)
    return folder


def row(method: str, case: int, psnr: float, lpips: float, kind: str = "box") -> Row:
    return Row(method, "256", case, f"key{case}", kind, "5-10 %", Measures(psnr, 0.5, 0.1, lpips, 1.0), 0.1)


def test_samples_are_validation_pictures_of_the_asked_size(shards_folder: Path) -> None:
    small = samples(shards_folder, "256", 10)
    assert len(small) == 5
    assert {sample.rgb.shape for sample in small} == {(256, 256, 3)}
    middle = samples(shards_folder, "512", 10)
    assert {sample.key for sample in middle} == {"stunning_00001", "drew_00002"}
    assert {sample.rgb.shape for sample in middle} == {(512, 512, 3)}
    native = samples(shards_folder, "native", 10)
    assert [sample.rgb.shape for sample in native] == [(768, 768, 3)] * 2


def test_samples_are_drawn_alike_every_time(shards_folder: Path) -> None:
    first, again = samples(shards_folder, "256", 3, seed=4), samples(shards_folder, "256", 3, seed=4)
    assert [sample.key for sample in first] == [sample.key for sample in again]
    assert len({sample.key for sample in first}) == 3


def test_small_pictures_are_never_enlarged() -> None:
    rgb = np.zeros((100, 300, 3), np.uint8)
    assert short_side_to(rgb, 256) is rgb
    assert short_side_to(rgb, 50).shape == (50, 150, 3)
    assert crops(rgb, 128, 3) == []


def test_silhouettes_come_from_the_validation_side_only(shards_folder: Path, tmp_path: Path) -> None:
    shapes = silhouettes(shards_folder)
    assert [shape.shape for shape in shapes] == [(52, 20)]
    assert len(silhouettes(tmp_path)) == 3  # the drawn figures, where there is no shard


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="VANISHER_DATA"):
        data_folder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no validation photographs"):
        samples(tmp_path, "256", 1)
    with pytest.raises(ValueError, match="choose from"):
        samples(tmp_path, "128", 1)


def test_rivals_keep_known_pixels_and_fill_the_hole() -> None:
    rgb = speed.scene((96, 80))
    hole = speed.centred_hole((96, 80), (20, 16))
    spoiled = rgb.copy()
    spoiled[hole] = (255, 0, 255)
    for name in ("telea", "ns", "patchmatch"):
        if not installed(name):
            continue
        filled = peer(name)(spoiled, hole)
        assert filled.dtype == np.uint8
        assert np.array_equal(filled[~hole], rgb[~hole])
        assert not (filled[hole] == (255, 0, 255)).all(axis=-1).any()


def test_unknown_and_missing_rivals_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="choose from"):
        peer("magic")
    monkeypatch.setattr("training.peers.find_spec", lambda name: None)
    with pytest.raises(PeerMissing, match="pip install pypatchmatch"):
        peer("patchmatch")


def test_bootstrap_brackets_the_mean_and_draws_photographs() -> None:
    values = [1.0, 1.2, 0.8, 5.0, 5.2, 4.8]
    alone = bootstrap(values, list("abcdef"))
    grouped = bootstrap(values, list("aaabbb"))
    assert alone.mean == grouped.mean == pytest.approx(3)
    assert alone.low < alone.mean < alone.high
    assert grouped.high - grouped.low > alone.high - alone.low
    assert bootstrap([2.0], ["a"]) == (2, 2, 2)
    assert paired(values, values, list("abcdef")) == (0, 0, 0)


def test_bootstrap_refuses_nothing_and_uneven_series() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap([], [])
    with pytest.raises(ValueError, match="one length"):
        paired([1.0], [1.0, 2.0], ["a"])


def test_ratios_are_of_means_and_bracketed() -> None:
    keys = list("abcdef")
    share = ratio([1, 2, 3, 1, 2, 3], [2, 4, 6, 3, 5, 4], keys)
    assert share.mean == pytest.approx(12 / 24)
    assert share.low < share.mean < share.high
    same = ([1.0, 2.0, 3.0, 1.0, 2.0, 3.0], [2.0] * 6)
    assert ratio_difference(same, same, keys) == (0, 0, 0)
    better = ratio_difference(([2.0] * 6, [4.0] * 6), ([1.0] * 6, [4.0] * 6), keys)
    assert better == pytest.approx((0.25, 0.25, 0.25))
    with pytest.raises(ValueError, match="one length"):
        ratio([1.0], [1.0, 2.0], ["a"])


def four_methods(psnr: float, lpips: float) -> dict[str, list[Row]]:
    kinds = ("object", "brush", "box", "border")
    rows = [row("auto", case, psnr + case, lpips, kinds[case]) for case in range(4)]
    for name, level, distance in (("telea", 18.2, 0.08), ("patchmatch", 18.0, 0.04), ("dcgan-128", 15, 0.1)):
        rows += [row(name, case, level + case, distance, kinds[case]) for case in range(4)]
    return by_method(rows)


@pytest.mark.parametrize(
    ("psnr", "lpips", "missed"),
    [
        (18.8, 0.03, set()),
        (18.6, 0.03, {"PSNR >= the best"}),  # above PyPatchMatch + 0.5, but Telea is the best
        (18.8, 0.036, {"LPIPS <= 0.85 x"}),
        (17.5, 0.03, {"PSNR >= the best", "border holes", "object holes"}),
        (14.0, 0.2, {"PSNR >=", "LPIPS <=", "border holes", "object holes", "better than DCGAN"}),
    ],
)
def test_bars_follow_the_figures(psnr: float, lpips: float, missed: set[str]) -> None:
    judged = bars(four_methods(psnr, lpips), "256", ["dcgan-128"])
    assert len(judged) == 5
    lost = [bar.what for bar in judged if bar.met is False]
    assert len(lost) == len(missed)
    assert all(any(what.startswith(part) for what in lost) for part in missed)


def test_what_was_not_measured_is_not_judged() -> None:
    assert bars(four_methods(18.8, 0.03), "native") == []
    blind = bars(four_methods(18.8, float("nan")), "512", ["dcgan-128"])
    assert [bar.met for bar in blind] == [None, True, None, None, None]
    alone = by_method([row("auto", 0, 18, 0.03)])
    assert [bar.met for bar in bars(alone, "256")] == [None, None]
    assert "--reference" in bars(alone, "256")[1].measured


def test_paired_and_default_tables_compare_with_patchmatch() -> None:
    table = four_methods(18.8, 0.03)
    assert "4/4" in "\n".join(paired_table(table))
    lines = default_table(table)
    assert any(line.startswith("| border | 1 | 21.80") and "+0.80" in line for line in lines)
    assert default_table({"telea": table["telea"]}) == []


def test_group_table_splits_by_kind() -> None:
    rows = [row("telea", 0, 10, 0.1, "box"), row("telea", 1, 20, 0.3, "brush")]
    text = "\n".join(group_table(by_method(rows)))
    assert "brush (n=1)" in text
    assert "10.00 / 0.1000" in text
    assert "15.00 / 0.2000" in text


def test_a_refused_hole_is_left_out_for_all(shards_folder: Path) -> None:
    def picky(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        if hole.mean() > 0.1:
            raise HopelessFill("too large")
        return rgb

    cases = cases_of(shards_folder, "256", 5, 0)
    outcome = run_cases({"telea": peer("telea"), "auto": picky}, cases, "256", None)
    kept = [index for index, case in enumerate(cases) if case.hole.hole.mean() <= 0.1]
    assert 0 < len(kept) < len(cases)
    table = by_method(outcome.rows)
    assert [r.case for r in table["auto"]] == [r.case for r in table["telea"]] == kept
    assert len(outcome.refusals) == len(cases) - len(kept)


def test_inpaint_prints_tables_and_writes_csv_and_plates(
    shards_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["inpaint", "--data", str(shards_folder), "--sizes", "256", "--count", "4", "--threads", "1"]
    arguments += ["--methods", "telea", "ns", "--no-lpips", "--no-memory"]
    arguments += ["--out", str(tmp_path / "out"), "--plates", "3"]
    assert evaluate.main(arguments) == 0
    text = capsys.readouterr().out
    assert "## 256 px: 4 holes" in text
    assert "OpenCV Telea" in text
    with (tmp_path / "out" / "inpaint.csv").open() as file:
        written = list(csv.DictReader(file))
    assert len(written) == 8
    assert {line["method"] for line in written} == {"telea", "ns"}
    assert all(5 < float(line["psnr"]) < 60 for line in written)
    assert len(list((tmp_path / "out" / "plates").glob("256-*.png"))) == 3
    assert (tmp_path / "out" / "inpaint.md").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "nowhere-at-all"], "nowhere-at-all"),
        (["--data", ".", "--metrics", "nowhere-at-all"], "VANISHER_METRICS"),
        (["--data", ".", "--no-lpips", "--count", "0"], "got 0"),
        (["--data", ".", "--no-lpips", "--threads", "0"], "got 0"),
        (["--data", ".", "--no-lpips", "--plates", "3"], "--out"),
        (["--data", ".", "--no-lpips", "--reference", "nowhere-at-all"], "nowhere-at-all"),
    ],
)
def test_bad_options_end_with_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate_inpaint.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_unknown_part_is_named_and_help_shows_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["hologram"]) == 2
    assert "hologram" in capsys.readouterr().err
    assert evaluate.main(["--help"]) == 0
    assert evaluate.main([]) == 2


def test_peak_memory_is_that_of_the_fresh_process() -> None:
    ballast = np.ones(60_000_000, np.uint8)  # must not count: the probe is another process
    peak = speed.peak_megabytes("telea", (64, 48), (10, 8))
    assert 10 < peak < speed.own_peak_megabytes()
    assert ballast[-1] == 1


def test_a_failing_probe_brings_its_last_words() -> None:
    with pytest.raises(RuntimeError, match="invalid choice"):
        speed.peak_megabytes("nothing", (64, 48), (10, 8))


def test_speed_figures_know_their_bars() -> None:
    assert speed.Figure("cold", 3.0, "s", 4.0).met()
    assert "< 4 s: no" in speed.Figure("cold", 5.0, "s", 4.0).line()
    assert speed.Figure("peer", 9.0, "s", None).met()


def test_interleaved_runs_give_a_time_for_each_method() -> None:
    found = speed.interleaved({"telea": peer("telea"), "ns": peer("ns")}, (64, 48), (10, 8), turns=2)
    assert set(found) == {"telea", "ns"}
    assert all(seconds > 0 for seconds in found.values())
