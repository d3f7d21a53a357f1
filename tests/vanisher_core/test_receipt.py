"""The receipt: stable text, honest names of pixels, and a clear refusal of what is no receipt."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanisher_core.errors import InputError
from vanisher_core.receipt import FORMAT, Receipt, WindowRecord, file_digest, pixel_digest

RECEIPT = Receipt(
    model="auto",
    seed=7,
    grow=None,
    feather=2.5,
    fit_mask=False,
    grow_used=9,
    feather_used=2.5,
    size=(640, 480),
    pixels="uint16 x3",
    input_pixels_sha256="a" * 64,
    mask_sha256="b" * 64,
    output_pixels_sha256="c" * 64,
    weights={"inpaint-small": "d" * 64},
    windows=(WindowRecord((1, 2, 30, 40), "exemplar", {"seam": 1.25}, ("sharpness 0.3 is under 0.5",)),),
    notes=("a note, with ümlaut",),
)

texts = st.text(max_size=20)
records = st.builds(
    WindowRecord,
    box=st.tuples(*[st.integers(0, 99_999)] * 4),
    method=texts,
    scores=st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    reasons=st.lists(texts, max_size=2).map(tuple),
)


@given(st.lists(records, max_size=3), st.integers(0, 2**63), st.none() | st.integers(0, 50), texts)
def test_json_and_back_is_the_same_receipt(windows, seed, grow, note) -> None:
    receipt = dataclasses.replace(RECEIPT, windows=tuple(windows), seed=seed, grow=grow, notes=(note,))
    assert Receipt.from_json(receipt.to_json()) == receipt


def test_text_is_stable_and_holds_no_clock() -> None:
    assert RECEIPT.to_json() == dataclasses.replace(RECEIPT).to_json()
    values = json.loads(RECEIPT.to_json())
    assert list(values) == sorted(values)
    assert not {"time", "date", "created"} & set(values)


def test_numbers_that_are_not_finite_become_null() -> None:
    odd = dataclasses.replace(
        RECEIPT, windows=(WindowRecord((0, 0, 1, 1), "network", {"seam": float("nan")}),)
    )
    assert json.loads(odd.to_json())["windows"][0]["scores"] == {"seam": None}


def test_numpy_numbers_are_written_as_numbers() -> None:
    scores = {"seam": float(np.float32(0.5))}
    record = WindowRecord((np.int64(0), 0, np.int32(4), 4), "network", scores)  # type: ignore[arg-type]
    assert json.loads(dataclasses.replace(RECEIPT, windows=(record,)).to_json())["windows"][0]["box"] == [
        0,
        0,
        4,
        4,
    ]


def test_replay_gives_the_options_as_asked_not_as_used() -> None:
    assert RECEIPT.replay() == {
        "model": "auto",
        "seed": 7,
        "grow": None,
        "feather": 2.5,
        "fit_mask": False,
    }


def test_with_files_changes_nothing_else() -> None:
    full = RECEIPT.with_files(input_file_sha256="e" * 64)
    assert full.input_file_sha256 == "e" * 64
    assert dataclasses.replace(full, input_file_sha256=None) == RECEIPT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "not JSON"),
        ("[]", "no receipt"),
        ("{}", "format"),
        (json.dumps({"format": FORMAT + 1}), "update Vanisher"),
        (json.dumps({"format": FORMAT}), "size"),
        (json.dumps(RECEIPT.as_dict() | {"colour": 1}), "colour"),
        (json.dumps(RECEIPT.as_dict() | {"windows": [{"box": [0, 0, 1, 1]}]}), "method"),
    ],
)
def test_what_is_no_receipt_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Receipt.from_json(text)


@given(st.integers(0, 255), st.integers(0, 11))
def test_one_changed_sample_changes_the_pixel_digest(value: int, place: int) -> None:
    array = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    other = array.copy()
    other.flat[place] = value
    assert (pixel_digest(array) == pixel_digest(other)) == (value == place)


def test_pixel_digest_sees_shape_and_dtype_but_not_memory_layout() -> None:
    array = np.arange(24, dtype=np.uint16).reshape(4, 6)
    assert pixel_digest(array) == pixel_digest(np.asfortranarray(array)) == pixel_digest(array.astype(">u2"))
    assert pixel_digest(array[::2, ::-1]) == pixel_digest(array[::2, ::-1].copy())
    assert (
        len({pixel_digest(array), pixel_digest(array.reshape(6, 4)), pixel_digest(array.astype(np.int16))})
        == 3
    )


def test_file_digest_of_a_path_and_of_its_bytes_agree(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"photograph")
    expected = hashlib.sha256(b"photograph").hexdigest()
    assert file_digest(tmp_path / "a") == file_digest(b"photograph") == expected
