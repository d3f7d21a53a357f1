"""The paint client's sessions against a real daemon: versions, views, exactness, bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_server.client import Client, DaemonError, form
from tests.local_server.daemons import decoded, encoded, hole, picture, running
from vanisher_core import Mask, Photo, Vanisher


def open_picture(client: Client, file: bytes) -> dict[str, Any]:
    kind, body = form({"image": file}, {})
    return json.loads(client.request("POST", "/v1/sessions", body, {"Content-Type": kind})[1])


def erase(client: Client, session: str, mask: np.ndarray, **fields: Any) -> dict[str, Any]:
    kind, body = form({"mask": encoded(mask)}, fields)
    job = json.loads(client.request("POST", f"/v1/sessions/{session}/erase", body, {"Content-Type": kind})[1])
    return list(client.events(job["id"]))[-1]


def file_of(client: Client, session: str, version: int, query: str = "") -> tuple[dict[str, str], bytes]:
    return client.request("GET", f"/v1/sessions/{session}/versions/{version}/file{query}")


def test_a_session_erases_as_one_request_does_and_undoes(client: Client) -> None:
    samples = picture()
    session = open_picture(client, encoded(samples))
    assert (session["width"], session["height"], session["format"], session["current"]) == (
        160,
        120,
        "PNG",
        0,
    )
    done = erase(client, session["id"], hole(), seed=4, model="exemplar")
    assert done["result"]["version"]["number"] == 1
    left, top, right, bottom = done["result"]["version"]["changed"]
    own = Vanisher().erase(Photo.from_array(samples), Mask(hole()), seed=4, model="exemplar").photo.array
    after = decoded(file_of(client, session["id"], 1)[1])
    assert np.array_equal(after, own)
    changed = (after != samples).any(axis=2)
    changed[top:bottom, left:right] = False
    assert not changed.any()
    body = json.dumps({"current": 0}).encode()
    json_type = {"Content-Type": "application/json"}
    undone = json.loads(client.request("PATCH", f"/v1/sessions/{session['id']}", body, json_type)[1])
    assert undone["current"] == 0 and len(undone["versions"]) == 2
    again = erase(client, session["id"], hole(), model="exemplar", seed=9)["result"]["version"]
    assert (again["number"], again["parent"]) == (2, 0)
    receipt = client.get_json(f"/v1/sessions/{session['id']}/versions/2/receipt")
    assert receipt["seed"] == 9


def test_fills_build_on_each_other(client: Client) -> None:
    session = open_picture(client, encoded(picture()))
    first, second = hole(), np.zeros((120, 160), np.uint8)
    second[10:30, 10:30] = 255
    erase(client, session["id"], first, model="exemplar")
    assert erase(client, session["id"], second, model="exemplar")["result"]["version"]["parent"] == 1
    one, two = (decoded(file_of(client, session["id"], number)[1]) for number in (1, 2))
    differs = np.argwhere((one != two).any(axis=2))
    assert len(differs) and differs.max() < 60


def test_the_original_comes_back_byte_for_byte_and_a_version_keeps_depth_and_metadata(client: Client) -> None:
    photo = Photo.from_array(picture().astype(np.uint16) * 257)
    file = photo.to_bytes("TIFF")
    session = open_picture(client, file)
    assert (session["dtype"], session["format"]) == ("uint16", "TIFF")
    assert file_of(client, session["id"], 0)[1] == file
    erase(client, session["id"], hole(), grow=0, model="exemplar")
    headers, data = file_of(client, session["id"], 1)
    after = Photo.from_bytes(data)
    assert after.array.dtype == np.uint16 and headers["content-type"] == "image/tiff"
    assert np.array_equal(after.array[hole() == 0], photo.array[hole() == 0])
    assert Photo.from_bytes(file_of(client, session["id"], 1, "?format=png")[1]).array.dtype == np.uint16


@pytest.mark.parametrize(
    "samples",
    [
        picture(200, 100),
        picture(200, 100)[..., 0],
        np.dstack([picture(200, 100), np.full((100, 200), 128, np.uint8)]),
        picture(200, 100).astype(np.uint16) * 257,
        (picture(200, 100) / np.float32(255)).astype(np.float32),
    ],
    ids=["rgb", "grey", "alpha", "16 bit", "float"],
)
def test_views_are_parts_in_eight_bits(client: Client, samples: np.ndarray) -> None:
    photo = Photo.from_array(samples)
    session = open_picture(client, photo.to_bytes("TIFF" if samples.dtype == np.float32 else "PNG"))["id"]
    path = f"/v1/sessions/{session}/versions/0/view"
    whole = client.request("GET", f"{path}?longest=50")
    assert decoded(whole[1]).shape[:2] == (25, 50) and whole[0]["vanisher-scale"] == "0.25"
    part = decoded(client.request("GET", f"{path}?left=150&top=40&width=1000&height=7&format=png")[1])
    assert part.shape[:2] == (7, 50) and part.dtype == np.uint8
    if samples.dtype == np.uint8:
        assert np.array_equal(part, samples[40:47, 150:])


def test_an_upside_down_photograph_is_shown_upright_and_kept_as_it_was(client: Client) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    file = encoded(picture(80, 60), "JPEG", exif=exif, quality=95)
    session = open_picture(client, file)
    assert (session["width"], session["height"]) == (60, 80)
    erase(client, session["id"], hole(60, 80), model="exemplar")
    data = file_of(client, session["id"], 1)[1]
    after = Photo.from_bytes(data)
    assert after.metadata.orientation == 6 and after.size == (60, 80)


def test_a_mask_of_classes_comes_as_a_job(client: Client) -> None:
    session = open_picture(client, encoded(picture()))["id"]
    kind, body = form({}, {"classes": "person"})
    job = json.loads(
        client.request("POST", f"/v1/sessions/{session}/segment", body, {"Content-Type": kind})[1]
    )
    last = list(client.events(job["id"]))[-1]
    assert last["state"] == "done" and "person" in last["result"]["classes"]
    assert decoded(client.result(job["id"]).data).shape == (120, 160)


def test_a_panorama_is_recognised_and_erased_across_its_seam(client: Client) -> None:
    samples = picture(256, 128)
    session = open_picture(client, encoded(samples))
    assert session["panorama"]
    mask = np.zeros((128, 256), np.uint8)
    mask[50:70, 248:] = mask[50:70, :8] = 255
    last = erase(client, session["id"], mask, panorama="true", grow=0, feather=0, model="exemplar")
    assert last["state"] == "done", last
    after = Photo.from_bytes(file_of(client, session["id"], 1)[1])
    assert np.array_equal(after.array[mask == 0], samples[mask == 0])
    assert b"equirectangular" in (after.metadata.xmp or b"")


def test_only_a_panorama_gets_new_light(client: Client) -> None:
    samples = picture(256, 128)
    session = open_picture(client, encoded(samples))["id"]
    send = {"grow": 0, "feather": 0, "model": "exemplar"}
    for number, sphere in ((1, "true"), (2, "false")):
        last = erase(client, session, hole(256, 128), panorama=sphere, relight="true", version=0, **send)
        assert last["state"] == "done", last
        receipt = client.get_json(f"/v1/sessions/{session}/versions/{number}/receipt")
        assert receipt.get("relight", False) is (sphere == "true")
        left, top, right, bottom = last["result"]["version"]["changed"]
        outside = np.ones((128, 256), bool)
        outside[top:bottom, left:right] = False
        after = decoded(file_of(client, session, number)[1])
        assert np.array_equal(after[outside], samples[outside])
        if sphere == "false":
            assert np.array_equal(after[hole(256, 128) == 0], samples[hole(256, 128) == 0])


def test_what_is_not_there_is_refused(client: Client) -> None:
    session = open_picture(client, encoded(picture()))["id"]
    for method, path, status in (
        ("GET", "/versions/7/view", 404), ("GET", "/versions/0/receipt", 404),
        ("GET", "/versions/0/view?longest=0", 422),
        ("GET", "/versions/0/view?format=gif", 422), ("GET", "/versions/999/file", 422), ("PATCH", "", 422),
    ):  # fmt: skip
        with pytest.raises(DaemonError) as refused:
            client.request(method, f"/v1/sessions/{session}{path}")
        assert refused.value.status == status, path
    client.request("DELETE", f"/v1/sessions/{session}")
    with pytest.raises(DaemonError, match="no such session"):
        client.get_json(f"/v1/sessions/{session}")


def test_sessions_are_bounded_in_number_and_time(tmp_path: Path) -> None:
    with running(tmp_path, sessions=2, session_seconds=600) as daemon:
        names = [open_picture(daemon.client, encoded(picture()))["id"] for _ in range(3)]
        with pytest.raises(DaemonError, match="no such session"):
            daemon.client.get_json(f"/v1/sessions/{names[0]}")
        assert daemon.client.get_json(f"/v1/sessions/{names[2]}")["id"] == names[2]
        assert (
            len([path for path in (daemon.state / "spool").iterdir() if path.name.startswith("session-")])
            == 2
        )
