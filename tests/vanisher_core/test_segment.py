"""The segmenter: any size in, probabilities at that size out; small people, edges, doubt, errors."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from vanisher_core import guided, segment
from vanisher_core.errors import Cancelled, InputError, ModelError, UsageError
from vanisher_core.segment import Segmenter


class Reddish(nn.Module):
    """Says "person" where red outweighs green: a network whose right answer is known."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(rgb.shape))
        return 20 * (rgb[:, :1] - rgb[:, 1:2])


def scene(width, height, boxes, colour=(220, 40, 60)):
    """A green scene with red boxes (left, top, right, bottom) and the boxes' mask."""
    rgb = np.full((height, width, 3), (60, 160, 80), np.uint8)
    mask = np.zeros((height, width), bool)
    for left, top, right, bottom in boxes:
        rgb[top:bottom, left:right] = colour
        mask[top:bottom, left:right] = True
    return rgb, mask


def iou(guess, truth):
    return (guess & truth).sum() / (guess | truth).sum()


@settings(max_examples=25, deadline=None)
@given(width=st.integers(1, 200), height=st.integers(1, 200), seed=st.integers(0, 99))
def test_any_size_gives_finite_probabilities_of_that_size(width, height, seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = Segmenter("cpu", {"person": (Reddish(), 0)}).probabilities(rgb, ["person"])
    assert list(found) == ["person"]
    assert found["person"].shape == (height, width) and found["person"].dtype == np.float32
    assert found["person"].min() >= 0 and found["person"].max() <= 1


@pytest.mark.parametrize("size", [(3000, 7), (5, 2500), (1, 1)])
def test_strips_and_single_pixels(size):
    rgb, mask = scene(size[0], size[1], [(0, 0, *size)])
    found = Segmenter("cpu", {"person": (Reddish(), 0)}).probabilities(rgb, ["person"])["person"]
    assert found.shape == mask.shape and found.min() > 0.9


@pytest.mark.parametrize("size", [(97, 61), (640, 480), (1900, 1300)])
def test_outlines_are_found_at_the_photographs_resolution(size):
    width, height = size
    box = (width // 5, height // 4, width // 2, height - height // 5)
    rgb, mask = scene(width, height, [box])
    found = Segmenter("cpu", {"person": (Reddish(), 0)}).probabilities(rgb, ["person"])["person"]
    wrong = (found > 0.5) != mask
    assert iou(found > 0.5, mask) > 0.985
    near = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7))) - cv2.erode(
        mask.astype(np.uint8), np.ones((7, 7))
    )
    assert not (wrong & (near == 0)).any()


def test_small_people_are_found_by_the_finer_levels():
    class Blurred(Reddish):
        """Sees nothing smaller than about 12 pixels of its input."""

        def forward(self, rgb):
            across = functional.avg_pool2d(rgb, (1, 13), 1, (0, 6), count_include_pad=False)
            return (
                super().forward(functional.avg_pool2d(across, (13, 1), 1, (6, 0), count_include_pad=False))
                + 4
            )

    class Distant(Blurred):
        """Never sees anything: the finer level must not invent."""

        def forward(self, rgb):
            return super().forward(rgb) - 40

    rgb, mask = scene(2000, 1400, [(600, 500, 640, 580), (1500, 900, 1530, 960)])
    found = Segmenter("cpu", {"person": (Blurred(), 0)}).probabilities(rgb, ["person"])["person"]
    assert found[mask].mean() > 0.5 and found[~mask].mean() < 0.2
    none = Segmenter("cpu", {"person": (Distant(), 0)}).probabilities(rgb, ["person"])["person"]
    assert none.max() < 0.01


def test_tiles_cover_every_pixel_and_bound_the_networks_input():
    net = Reddish()
    rgb, _ = scene(2600, 1100, [(100, 100, 160, 300), (2300, 700, 2400, 1000)])
    Segmenter("cpu", {"person": (net, 0)}).probabilities(rgb, ["person"])
    assert all(shape[0] == 2 and max(shape[2:]) <= segment.TILE * segment.SHORT for shape in net.shapes)
    for length in (1, 383, 384, 385, 1000, 5000):
        rows = [view[0] for view in segment.tiles(length, 10, 384, 96)]
        assert rows[0].start == 0 and rows[-1].stop == length
        assert all(0 < b.start - a.start <= 384 - 96 + 1 for a, b in pairwise(rows))


def test_mirrored_photograph_gives_the_mirrored_map():
    torch.manual_seed(0)
    net = nn.Conv2d(3, 1, 5, padding=2).eval()
    rgb = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)
    segmenter = Segmenter("cpu", {"person": (net, 0)})
    straight = segmenter.probabilities(rgb, ["person"])["person"]
    mirrored = segmenter.probabilities(np.ascontiguousarray(rgb[:, ::-1]), ["person"])["person"]
    assert np.abs(straight - mirrored[:, ::-1]).max() < 0.02


def test_classes_pick_their_channel():
    class Two(nn.Module):
        def forward(self, rgb):
            return torch.cat([20 * (rgb[:, :1] - rgb[:, 1:2]), 20 * (rgb[:, 1:2] - rgb[:, :1])], 1)

    rgb, mask = scene(64, 64, [(10, 10, 50, 50)])
    net = Two()
    found = Segmenter("cpu", {"red": (net, 0), "green": (net, 1)}).probabilities(rgb, ("red", "green", "red"))
    assert list(found) == ["red", "green"]
    assert iou(found["red"] > 0.5, mask) > 0.95 and iou(found["green"] > 0.5, ~mask) > 0.95


def test_progress_rises_and_may_cancel():
    seen = []
    rgb, _ = scene(700, 600, [(100, 100, 300, 300)])
    segmenter = Segmenter("cpu", {"person": (Reddish(), 0)})
    segmenter.probabilities(rgb, ["person"], lambda fraction, text: seen.append((fraction, text)))
    assert [f for f, _ in seen] == sorted(f for f, _ in seen) and seen[-1][0] <= 1
    assert all("person" in text for _, text in seen)

    def stop(fraction, text):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        segmenter.probabilities(rgb, ["person"], stop)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused_with_their_shape(rgb):
    with pytest.raises(InputError, match="HxWx3 uint8"):
        Segmenter("cpu", {"person": (Reddish(), 0)}).probabilities(rgb, ["person"])


def test_unknown_class_lists_the_known_ones():
    rgb, _ = scene(8, 8, [])
    with pytest.raises(UsageError, match=r"'unicorn'.*person"):
        Segmenter("cpu").probabilities(rgb, ["unicorn"])


def test_output_that_is_not_finite_is_an_error():
    class Broken(nn.Module):
        def forward(self, rgb):
            return rgb[:, :1] * float("nan")

    rgb, _ = scene(8, 8, [])
    with pytest.raises(ModelError, match="not finite"):
        Segmenter("cpu", {"person": (Broken(), 0)}).probabilities(rgb, ["person"])


def test_guided_upsampling_follows_the_photographs_edge():
    """A map eight times coarser than the photograph: its outline snaps to the luminance step."""
    yy, xx = np.mgrid[0:512, 0:512]
    truth = (xx - 256) ** 2 + (yy - 256) ** 2 < 150**2
    rgb = np.where(truth[..., None], 200, 60).astype(np.uint8).repeat(3, 2)
    coarse = cv2.resize(rgb, (64, 64), interpolation=cv2.INTER_AREA)
    probability = cv2.GaussianBlur(
        cv2.resize(truth.astype(np.float32), (64, 64), interpolation=cv2.INTER_AREA), (0, 0), 1.0
    )
    plain = cv2.resize(probability, (512, 512), interpolation=cv2.INTER_LINEAR) > 0.5
    sharp = guided.upsample(probability, coarse, rgb) > 0.5
    assert (sharp != truth).sum() < 0.5 * (plain != truth).sum()


def test_guided_upsampling_is_the_same_in_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    rgb = cv2.GaussianBlur(rng.integers(0, 256, (150, 210, 3), dtype=np.uint8), (0, 0), 3)
    coarse = cv2.resize(rgb, (70, 50), interpolation=cv2.INTER_AREA)
    probability = rng.random((50, 70), dtype=np.float32)
    whole = guided.upsample(probability, coarse, rgb)
    monkeypatch.setattr(guided, "BLOCK", 64)
    assert np.abs(guided.upsample(probability, coarse, rgb) - whole).max() < 1e-3


def test_certain_pixels_ignore_texture():
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    coarse = cv2.resize(rgb, (32, 32), interpolation=cv2.INTER_AREA)
    ones = np.full((32, 32), 0.999, np.float32)
    assert np.allclose(guided.upsample(ones, coarse, rgb), 0.999, atol=1e-4)


def test_shipped_weights_know_people_and_see_none_in_a_plain_sky():
    assert segment.known_classes()["person"] == "segment-person"
    sky = np.linspace((90, 140, 210), (190, 210, 235), 240).astype(np.uint8)[:, None].repeat(320, 1)
    found = Segmenter("cpu").probabilities(sky, ["person"])["person"]
    assert found.shape == (240, 320) and (found > 0.5).mean() < 0.05
