"""Holes of the reference systems: as large as published, and the same whenever they are drawn."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.discriminator import crop_round_hole
from training.reference.holes import ASPECT, PARTS, random_boxes, random_parts, regions


def source(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(16, 96), st.integers(1, 6))
def test_random_parts_take_five_to_ten_per_cent_away(seed: int, size: int, batch: int) -> None:
    holes = random_parts(batch, size, source(seed), "cpu")
    assert holes.shape == (batch, 1, size, size) and set(holes.unique().tolist()) == {0.0, 1.0}
    share = holes.mean((1, 2, 3))
    assert bool((share >= 0.05).all() and (share <= 0.10).all())
    assert torch.equal(holes, random_parts(batch, size, source(seed), "cpu"))


def test_parts_are_one_to_six_and_of_both_shapes() -> None:
    holes = random_parts(200, 96, source(0), "cpu")[:, 0].numpy().astype(np.uint8)
    counts = [cv2.connectedComponents(hole)[0] - 1 for hole in holes]
    assert min(counts) == 1 and 4 <= max(counts) <= PARTS
    single = [cv2.boundingRect(hole) for hole, count in zip(holes, counts, strict=True) if count == 1]
    filled = [
        hole.sum() / (width * height)
        for hole, count in zip(holes, counts, strict=True)
        if count == 1
        for _, _, width, height in [cv2.boundingRect(hole)]
    ]
    assert max(filled) == 1 and any(0.7 < share < 0.85 for share in filled), "boxes and ellipses"
    ratios = [max(width / height, height / width) for _, _, width, height in single]
    assert np.median(ratios) < ASPECT


def test_a_picture_too_small_for_such_holes_is_refused() -> None:
    with pytest.raises(ValueError, match="size=8"):
        random_parts(1, 8, source(0), "cpu")


@given(st.integers(0, 2**32), st.integers(16, 64))
def test_a_random_box_is_one_box_of_the_sides_asked_for(seed: int, size: int) -> None:
    least, most = size // 4, size // 2
    for hole in random_boxes(3, size, least, most, source(seed), "cpu")[:, 0].numpy().astype(np.uint8):
        _, _, width, height = cv2.boundingRect(hole)
        assert least <= width <= most and least <= height <= most
        assert hole.sum() == width * height


@given(st.integers(0, 2**32), st.integers(4, 16))
def test_regions_are_those_of_the_other_critics(seed: int, side: int) -> None:
    """The batched cut agrees with the loop that the default inpainter's critics use."""
    generator = source(seed)
    holes = random_boxes(4, 32, 3, 20, generator, "cpu")
    pictures = torch.rand(4, 3, 32, 32, generator=generator)
    assert torch.equal(regions(pictures, holes, side), crop_round_hole(pictures, holes, side))
