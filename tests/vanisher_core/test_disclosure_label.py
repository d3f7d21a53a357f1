"""The visible label: every depth and mode, inside its box only, readable, and refused where it cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanisher_core.disclosure.label import PLACES, Label, drawn, of_record
from vanisher_core.errors import UsageError


@settings(max_examples=40)
@given(
    st.sampled_from(PLACES),
    st.sampled_from((np.uint8, np.uint16, np.float32)),
    st.sampled_from((1, 2, 3, 4)),
    st.integers(100, 300),
    st.integers(160, 400),
    st.floats(0.01, 0.2),
)
def test_only_the_box_of_the_record_changes(place, dtype, channels, height, width, size) -> None:
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    shape = (height, width) if channels == 1 else (height, width, channels)
    picture = (np.random.default_rng(0).random(shape) * top).astype(dtype)
    label = Label("Digitally altered", place, size)
    marked, record = drawn(picture, label)
    left, upper, right, lower = record.box
    assert 0 <= left < right <= width and 0 <= upper < lower <= height
    outside = np.ones((height, width), bool)
    outside[upper:lower, left:right] = False
    assert marked.dtype == dtype and np.array_equal(marked[outside], picture[outside])
    plate = marked[upper:lower, left:right]
    assert plate.max() > 0.9 * top and plate.min() < 0.5 * top
    if channels in (2, 4):
        assert (plate[..., -1] == plate.dtype.type(top)).all()
    assert of_record(record) == label
    again, _ = drawn(picture, of_record(record))
    assert np.array_equal(again, marked)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_letters_stand_out_on_any_ground(grey: int) -> None:
    marked, record = drawn(np.full((300, 400, 3), grey, np.uint8), Label("Digitally altered"))
    left, upper, right, lower = record.box
    plate = marked[upper:lower, left:right].astype(float)
    assert plate.max() == 255 and np.median(plate) < 100  # contrast of 5:1 and more at white on this plate


def test_letters_grow_with_the_picture_and_shrink_to_fit() -> None:
    boxes = [drawn(np.zeros((side, 2 * side), np.uint8), Label("Altered"))[1].box for side in (200, 800)]
    heights = [lower - upper for _, upper, _, lower in boxes]
    assert 3.5 < heights[1] / heights[0] < 4.5
    long = drawn(np.zeros((400, 200), np.uint8), Label("This picture was digitally altered", size=0.2))[1].box
    assert long[2] - long[0] <= 180


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("",), "one line"),
        (("a\nb",), "one line"),
        (("x" * 121,), "one line"),
        (("a", "middle"), "place"),
        (("a", "top-left", 0.0), "size"),
        (("a", "top-left", float("nan")), "size"),
    ],
)
def test_labels_that_cannot_be_are_refused(arguments, words) -> None:
    with pytest.raises(UsageError, match=words):
        Label(*arguments)


def test_a_picture_too_small_for_the_label_is_refused() -> None:
    with pytest.raises(UsageError, match="too small"):
        drawn(np.zeros((40, 40, 3), np.uint8), Label("Digitally altered"))
