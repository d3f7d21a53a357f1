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
from training.intervals import bootstrap, paired
from training.metrics import Measures
from training.peers import PeerMissing, installed, peer
from training.report import bars, by_method, group_table, paired_table
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


@pytest.mark.parametrize(
    ("psnr", "lpips", "verdicts", "met"),
    [
        (18.5, 0.03, ("yes", "yes"), True),
        (18.3, 0.03, ("yes", "no"), False),
        (18.5, 0.05, ("no", "yes"), False),
    ],
)
def test_bar_lines_follow_the_paired_differences(
    psnr: float, lpips: float, verdicts: tuple[str, str], met: bool
) -> None:
    rows = [row("auto", case, psnr + case, lpips) for case in range(4)]
    rows += [row("patchmatch", case, 18.0 + case, 0.04) for case in range(4)]
    lines, ok = bars(by_method(rows), "256")
    assert ok is met
    assert f"LPIPS <= PyPatchMatch: {verdicts[0]}" in lines[1]
    assert f"PSNR >= PyPatchMatch + 0.4 dB: {verdicts[1]}" in lines[2]
    assert bars(by_method(rows), "native") == ([], True)
    assert "4/4" in "\n".join(paired_table(by_method(rows))) or lpips > 0.04


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
    arguments += ["--csv", str(tmp_path / "out.csv"), "--plates", str(tmp_path / "plates")]
    assert evaluate.main(arguments) == 0
    text = capsys.readouterr().out
    assert "## 256 px: 4 holes" in text
    assert "OpenCV Telea" in text
    with (tmp_path / "out.csv").open() as file:
        written = list(csv.DictReader(file))
    assert len(written) == 8
    assert {line["method"] for line in written} == {"telea", "ns"}
    assert all(5 < float(line["psnr"]) < 60 for line in written)
    assert len(list((tmp_path / "plates").glob("256-*.png"))) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "nowhere-at-all"], "nowhere-at-all"),
        (["--data", ".", "--metrics", "nowhere-at-all"], "VANISHER_METRICS"),
        (["--data", ".", "--no-lpips", "--count", "0"], "got 0"),
        (["--data", ".", "--no-lpips", "--threads", "0"], "got 0"),
    ],
)
def test_bad_options_end_with_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate_inpaint.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_unknown_part_is_named_and_help_shows_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["panorama"]) == 2
    assert "panorama" in capsys.readouterr().err
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
