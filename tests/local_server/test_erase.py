"""The work routes against a real daemon: exactness, formats, receipts, refusals."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_server import work
from local_server.client import Client, DaemonError, form
from panorama import Frame, Panorama, erase_panorama
from panorama.sphere import Region
from tests.local_server.daemons import decoded, encoded, hole, picture
from vanisher_core import Mask, Photo, Vanisher
from vanisher_core.receipt import Receipt


def test_an_erasure_over_http_is_that_of_the_library(client: Client) -> None:
    samples, mask = picture(), hole()
    answer = client.erase(encoded(samples), mask=encoded(mask), seed=3)
    own = Vanisher().erase(Photo.from_array(samples), Mask(mask), seed=3)
    assert np.array_equal(decoded(answer.data), own.photo.array)
    assert answer.media_type == "image/png"
    assert answer.receipt is not None
    assert answer.receipt["output_pixels_sha256"] == own.receipt.output_pixels_sha256


@settings(max_examples=6)
@given(
    seed=st.integers(0, 2**32 - 1), left=st.integers(0, 60), top=st.integers(0, 40), grow=st.integers(0, 6)
)
def test_outside_the_mask_every_sample_stays(
    client: Client, seed: int, left: int, top: int, grow: int
) -> None:
    samples = picture(96, 64, seed % 7)
    mask = np.zeros((64, 96), np.uint8)
    mask[top : top + 14, left : left + 18] = 255
    answer = client.erase(
        encoded(samples), mask=encoded(mask), grow=grow, feather=0, seed=seed, model="exemplar"
    )
    box = np.zeros(mask.shape, bool)
    box[max(0, top - grow) : top + 14 + grow, max(0, left - grow) : left + 18 + grow] = True
    assert np.array_equal(decoded(answer.data)[~box], samples[~box])


def test_sixteen_bit_stays_sixteen_bit(client: Client) -> None:
    samples = picture().astype(np.uint16) * 257 + 13
    file = Photo.from_array(samples).to_bytes("TIFF")
    answer = client.erase(file, mask=encoded(hole()), grow=0)
    after = Photo.from_bytes(answer.data)
    outside = hole() == 0
    assert after.format == "TIFF" and after.array.dtype == np.uint16
    assert np.array_equal(after.array[outside], samples[outside])


def test_a_mask_over_nothing_gives_the_very_file_back(client: Client) -> None:
    file = encoded(picture(), "JPEG", quality=90)
    answer = client.erase(file, mask=encoded(np.zeros((120, 160), np.uint8)))
    assert answer.data == file
    assert "nothing to erase" in " ".join(answer.notes)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("image/webp", "image/webp"),
        ("image/tiff;q=0.5, image/jpeg", "image/jpeg"),
        ("*/*", "image/png"),
        ("image/*", "image/png"),
    ],
)
def test_accept_decides_the_format(client: Client, accept: str, expected: str) -> None:
    kind, body = form({"image": encoded(picture()), "mask": encoded(hole())}, {"model": "exemplar"})
    headers, data = client.request("POST", "/v1/erase", body, {"Content-Type": kind, "Accept": accept})
    assert headers["content-type"] == expected
    assert Photo.from_bytes(data).format == expected.rpartition("/")[2].upper()


def test_an_accept_that_cannot_be_met_is_refused(client: Client) -> None:
    kind, body = form({"image": encoded(picture()), "mask": encoded(hole())}, {})
    with pytest.raises(DaemonError, match="text/html") as refused:
        client.request("POST", "/v1/erase", body, {"Content-Type": kind, "Accept": "text/html"})
    assert refused.value.status == 406


def test_the_whole_receipt_as_json_replays(client: Client) -> None:
    samples = picture()
    kind, body = form({"image": encoded(samples), "mask": encoded(hole())}, {"seed": 5})
    answer = json.loads(client.request("POST", "/v1/erase?receipt=true", body, {"Content-Type": kind})[1])
    receipt = Receipt.from_json(json.dumps(answer["receipt"]))
    again = Vanisher().erase(Photo.from_array(samples), Mask(hole()), **receipt.replay())
    assert np.array_equal(decoded(base64.b64decode(answer["image"])), again.photo.array)


def test_a_long_receipt_is_cut_to_what_headers_hold() -> None:
    receipt = {"seed": 1, "windows": [{"box": [0, 0, 1, 1]}] * 1000, "notes": []}
    packed = work.headers_of({"receipt": receipt})[work.RECEIPT_HEADER]
    assert len(packed) <= work.LONGEST_HEADER
    assert json.loads(base64.b64decode(packed))["windows_left_out"] == 1000


def test_a_long_receipt_of_a_panorama_is_cut_too() -> None:
    receipt = {"seed": 1, "views": [{"yaw": 0.0, "windows": [{"box": [0, 0, 1, 1]}]}] * 1000, "notes": []}
    packed = work.headers_of({"receipt": receipt})[work.RECEIPT_HEADER]
    assert len(packed) <= work.LONGEST_HEADER
    assert json.loads(base64.b64decode(packed))["views_left_out"] == 1000


@pytest.mark.parametrize(
    ("fields", "files", "kind", "status"),
    [
        ({}, {}, "UsageError", 422),
        ({"remove": "person"}, {"mask": encoded(hole())}, "UsageError", 422),
        ({"remove": "dragon"}, {}, "UsageError", 422),
        ({"seed": "-1"}, {"mask": encoded(hole())}, "UsageError", 422),
        ({"grow": "1", "feather": "4"}, {"mask": encoded(hole())}, "UsageError", 422),
        ({"feather": "nan"}, {"mask": encoded(hole())}, "UsageError", 422),
        ({}, {"mask": encoded(hole(80, 60))}, "MaskError", 422),
        ({}, {"mask": encoded(np.full((120, 160), 255, np.uint8))}, "HopelessFill", 422),
        ({}, {"mask": b"no picture"}, "DamagedPhoto", 422),
        ({}, {"mask": b"GIF89a" + bytes(40)}, "UnsupportedPhoto", 415),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    client: Client, fields: dict[str, str], files: dict[str, bytes], kind: str, status: int
) -> None:
    with pytest.raises(DaemonError) as refused:
        client._work("/v1/erase", {"image": encoded(picture()), **files}, fields)
    assert (refused.value.kind, refused.value.status) == (kind, status)
    assert len(str(refused.value)) > 20 and "/spool/" not in str(refused.value)


def test_people_are_segmented_and_boxed(client: Client) -> None:
    answer = client.segment(encoded(picture()))
    assert decoded(answer.data).shape == (120, 160)
    kind, body = form({"image": encoded(picture())}, {"classes": "person"})
    headers = {"Content-Type": kind, "Accept": "application/json"}
    found = json.loads(client.request("POST", "/v1/segment", body, headers)[1])
    assert found["size"] == [160, 120] and set(found["classes"]["person"]) == {"share", "boxes"}


def test_a_request_of_iopaints_own_client_works(client: Client) -> None:
    """The body that its web page sends, misspelt names and other models' settings included."""
    samples, mask = picture(), hole()
    body = {
        "image": "data:image/png;base64," + base64.b64encode(encoded(samples)).decode(),
        "mask": "data:image/png;base64," + base64.b64encode(encoded(mask)).decode(),
        "ldm_steps": 30, "ldm_sampler": "ddim", "zits_wireframe": True, "cv2_flag": "INPAINT_NS", "cv2_radius": 5,
        "hd_strategy": "Crop", "hd_strategy_crop_triger_size": 640, "hd_strategy_crop_margin": 128,
        "hd_trategy_resize_imit": 2048, "prompt": "", "negative_prompt": "", "use_croper": False, "croper_x": 0,
        "use_extender": False, "sd_mask_blur": 12, "sd_strength": 1.0, "sd_steps": 50, "sd_guidance_scale": 7.5,
        "sd_sampler": "DPM++ 2M", "sd_seed": -1, "sd_match_histograms": False, "sd_lcm_lora": False,
        "paint_by_example_example_image": None, "enable_controlnet": False, "powerpaint_task": "text-guided",
    }  # fmt: skip
    token = base64.b64encode(f"vanisher:{client.address.token}".encode()).decode()
    headers, data = client.request(
        "POST", "/api/v1/inpaint", json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Basic {token}"},
    )  # fmt: skip
    own = Vanisher().erase(Photo.from_array(samples), Mask(mask), seed=0)
    assert headers["x-seed"] == "0" and headers["content-type"] == "image/png"
    assert np.array_equal(decoded(data), own.photo.array)


def test_a_panorama_keeps_what_is_outside_and_gets_its_tags(client: Client) -> None:
    samples = picture(256, 128)
    mask = np.zeros((128, 256), np.uint8)
    mask[50:70, 248:] = mask[50:70, :8] = 255
    answer = client.erase_panorama(encoded(samples, "PNG"), mask=encoded(mask), grow=0, feather=0)
    after = Photo.from_bytes(answer.data)
    assert np.array_equal(after.array[mask == 0], samples[mask == 0])
    assert not np.array_equal(after.array[mask > 0], samples[mask > 0])
    assert b"equirectangular" in (after.metadata.xmp or b"")
    assert answer.receipt is not None and answer.receipt["relight"] is False


def test_a_panorama_is_relit_on_request_within_20_degrees(client: Client) -> None:
    samples = picture(256, 128)
    mask = np.zeros((128, 256), np.uint8)
    mask[50:70, 248:] = mask[50:70, :8] = 255
    file, marks = encoded(samples), encoded(mask)
    plain = client.erase_panorama(file, mask=marks, grow=0, model="exemplar")
    answer = client.erase_panorama(file, mask=marks, grow=0, model="exemplar", relight=True)
    own = erase_panorama(
        Panorama.from_array(samples), Mask(mask), vanisher=Vanisher(), model="exemplar", grow=0, relight=True
    )
    assert np.array_equal(decoded(answer.data), own.photo.array)
    assert not np.array_equal(decoded(answer.data), decoded(plain.data))
    assert answer.receipt is not None and answer.receipt["relight"] is True
    assert "room-light" in answer.receipt["weights"]
    away = np.degrees(Frame.full(256, 128).distance(mask > 0, Region(0, 0, 256, 128), np.pi))
    assert np.array_equal(decoded(answer.data)[away > 20], samples[away > 20])
