"""The segmentation figures: right on masks whose answer is known, and a table even without peers."""

import csv

import numpy as np
import pytest
import torch

from tests.training.shard_writer import write_shard
from training import evaluate_segment, mask_figures, segment_peers
from training.common import export_weights
from training.peers import PeerMissing
from vanisher_core.models.segmenter import build_segmenter


def disc(size, x, y, radius):
    yy, xx = np.mgrid[0:size, 0:size]
    return (xx - x) ** 2 + (yy - y) ** 2 <= radius**2


def figures(found, truth):
    result = mask_figures.Figures("test")
    result.counts.append(mask_figures.measure("a", found, truth, 0.5))
    return result.row()


def test_a_perfect_mask_scores_one_everywhere():
    truth = disc(200, 80, 90, 40) | disc(200, 170, 170, 6)
    row = figures(truth, truth)
    assert [row[name] for name in ("iou", "accuracy", "small_recall", "boundary_f")] == pytest.approx([1] * 4)
    assert row["seconds"] == 0.5


def test_nothing_found_scores_nothing():
    truth = disc(200, 80, 90, 40)
    row = figures(np.zeros_like(truth), truth)
    assert row["iou"] == 0 and row["boundary_f"] == 0
    assert row["accuracy"] == pytest.approx(1 - truth.mean())


def test_small_people_count_one_by_one():
    small, other = disc(300, 40, 40, 8), disc(300, 250, 250, 9)
    crumb = disc(300, 150, 10, 1)
    truth = small | other | crumb | disc(300, 150, 150, 60)
    assert figures(truth & ~other, truth)["small_recall"] == 0.5
    assert figures(small | other, truth)["small_recall"] == 1


def test_a_shifted_outline_matches_within_the_tolerance_only():
    truth = disc(400, 200, 200, 90)
    near, far = np.roll(truth, 3, 1), np.roll(truth, 30, 1)
    assert figures(near, truth)["boundary_f"] == pytest.approx(1, abs=0.01)
    assert figures(far, truth)["boundary_f"] == pytest.approx(0.2, abs=0.2)


def test_interval_holds_the_pooled_figure():
    result = mask_figures.Figures("test")
    for index in range(20):
        truth = disc(64, 32, 32, 10 + index)
        result.counts.append(mask_figures.measure(str(index), np.roll(truth, index % 7, 0), truth, 0.0))
    iou = result.iou()
    assert iou.low < iou.mean < iou.high
    assert result.gain_over(result) == (0, 0, 0)


def test_only_judged_pixels_count():
    truth = disc(100, 30, 30, 12)
    found, judged = truth | disc(100, 80, 80, 10), disc(100, 30, 30, 20)
    counts = mask_figures.measure("a", found, truth, 0.0, judged)
    assert (counts.both, counts.either) == (truth.sum(), truth.sum())
    assert counts.right == counts.pixels == judged.sum()


def test_bars_compare_with_every_peer_that_ran():
    truth = disc(64, 32, 32, 20)
    ours, worse = mask_figures.Figures("Vanisher"), mask_figures.Figures("MediaPipe Meet")
    absent = mask_figures.Figures("MediaPipe selfie", note="not installed")
    for index in range(4):
        ours.counts.append(mask_figures.measure(str(index), np.roll(truth, 1, 0), truth, 0.0))
        worse.counts.append(mask_figures.measure(str(index), np.roll(truth, 9 + index, 0), truth, 0.0))
    judged = {bar.what: bar.met for bar in evaluate_segment.bars([ours, worse, absent])}
    assert judged["person IoU above that of MediaPipe Meet"] is True
    assert judged["person IoU above that of MediaPipe selfie"] is None
    assert judged["person IoU >= 0.66 (goal 0.75)"] is True
    lost = {bar.what: bar.met for bar in evaluate_segment.bars([worse, ours])}
    assert lost["pixel accuracy >= 0.97"] is False


def test_the_command_prints_a_table_and_writes_csv_and_plates(tmp_path, capsys):
    write_shard(
        tmp_path / "people-000.tar",
        {"coco-1": (64, 48, True), "cocop-2": (48, 48, False), "voc-3": (48, 48, True)},
    )
    torch.manual_seed(0)
    sizes = {"widths": (8, 8, 16, 16, 24), "depths": (1, 1, 1, 1), "decoder_widths": (8, 8, 8, 16, 16)}
    header = {"architecture": "segmenter", "config": sizes, "task": "segment", "classes": ["person"]}
    weights = export_weights(build_segmenter(1, **sizes), tmp_path / "w.safetensors", header)
    argv = ["--data", tmp_path, "--peers", tmp_path, "--weights", weights]
    argv += ["--out", tmp_path / "out", "--plates", "2", "--threads", "1"]
    assert evaluate_segment.main([str(part) for part in argv]) == 1
    printed = capsys.readouterr().out
    assert "2 validation photographs" in printed and "| Vanisher |" in printed
    assert all(name in printed for name in segment_peers.PEERS)
    assert "NOT MET: person IoU >= 0.66" in (tmp_path / "out" / "segment.md").read_text()
    with (tmp_path / "out" / "segment.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert float(rows["nobody anywhere"]["iou"]) == 0
    assert rows["DeepLabV3 MobileNetV2"]["note"]
    assert len(list((tmp_path / "out" / "plates").glob("*.png"))) == 2


@pytest.mark.parametrize("make", segment_peers.PEERS.values())
def test_a_missing_peer_says_what_is_missing(make, tmp_path):
    with pytest.raises(PeerMissing, match=r"not installed|is not in"):
        make(tmp_path)
