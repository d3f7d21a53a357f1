"""The Open Inference Protocol against a real daemon: JSON and binary tensors, metadata, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from local_server.client import Client, DaemonError
from tests.local_server.daemons import hole, picture
from vanisher_core.inpaint import Inpainter
from vanisher_core.segment import Segmenter

RGB = picture(48, 32)


def infer(client: Client, model: str, request: dict, binary: bytes = b"") -> tuple[dict, bytes]:
    head = json.dumps(request).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))} if binary else {}
    answered, data = client.request("POST", f"/v2/models/{model}/infer", head + binary, headers)
    length = int(answered.get("inference-header-content-length", len(data)))
    return json.loads(data[:length]), data[length:]


def test_a_generator_fills_raw_tensors_as_the_library_does(client: Client) -> None:
    rgb, mask = (RGB / np.float32(255)).astype(np.float32), hole(48, 32)
    request = {
        "id": "42",
        "inputs": [
            {
                "name": "rgb",
                "shape": [1, 32, 48, 3],
                "datatype": "FP32",
                "parameters": {"binary_data_size": rgb.nbytes},
            },
            {
                "name": "hole",
                "shape": [1, 32, 48],
                "datatype": "UINT8",
                "data": (mask // 255).ravel().tolist(),
            },
        ],
        "outputs": [{"name": "rgb", "parameters": {"binary_data": True}}],
    }
    answer, tail = infer(client, "inpaint-small", request, rgb.tobytes())
    own = Inpainter().fill(rgb, mask > 0)
    assert answer["id"] == "42" and answer["outputs"][0]["shape"] == [1, 32, 48, 3]
    assert np.array_equal(np.frombuffer(tail, "<f4").reshape(32, 48, 3), own)


def test_a_segmenter_gives_probabilities_in_json(client: Client) -> None:
    request = {
        "inputs": [{"name": "rgb", "shape": [1, 32, 48, 3], "datatype": "UINT8", "data": RGB.tolist()}]
    }
    answer, tail = infer(client, "segment-person", request)
    output = answer["outputs"][0]
    own = Segmenter().probabilities(RGB, ["person"])["person"]
    assert output["shape"] == [1, 1, 32, 48] and tail == b""
    assert np.allclose(np.reshape(output["data"], (32, 48)), own, atol=1e-7)


def test_metadata_and_health(client: Client) -> None:
    assert client.get_json("/v2/health/live")["live"] and client.get_json("/v2/health/ready")["ready"]
    assert client.get_json("/v2")["extensions"] == ["binary_tensor_data"]
    about = client.get_json("/v2/models/segment-person")
    assert about["inputs"][0] == {"name": "rgb", "datatype": "UINT8", "shape": [1, -1, -1, 3]}
    assert client.get_json("/v2/models/segment-person/ready")["ready"]


def test_networks_of_whole_panoramas_are_not_served_by_themselves(client: Client) -> None:
    for name in (
        "room-furniture",
        "near-furniture",
        "door-furniture",
        "house-furniture",
        "room-layout",
        "room-light",
    ):
        with pytest.raises(DaemonError, match="works on whole panoramas") as refused:
            client.get_json(f"/v2/models/{name}")
        assert refused.value.status == 422
        with pytest.raises(DaemonError, match="works on whole panoramas"):
            infer(client, name, one([1, 1, 1, 3], "UINT8", [1, 1, 1]))
    assert {"rug", "lamp", "cabinet", "furniture"} <= set(client.get_json("/v1/models")["panorama_classes"])


def one(shape: list[int], datatype: str, data: list[int]) -> dict:
    return {"inputs": [{"name": "rgb", "shape": shape, "datatype": datatype, "data": data}]}


@pytest.mark.parametrize(
    ("model", "request_", "words"),
    [
        ("nothing", {"inputs": []}, "no weights named"),
        ("segment-person", {}, "inputs is missing"),
        ("segment-person", {"inputs": []}, "rgb is missing"),
        ("segment-person", one([1, 1, 1, 3], "INT64", [1]), "INT64"),
        ("segment-person", one([1, 2, 2, 3], "UINT8", [1]), "needs 12 numbers"),
        ("inpaint-small", one([1, 1, 1, 3], "FP32", [2, 0, 0]), "hole"),
    ],
)
def test_wrong_tensors_are_refused_in_the_protocols_own_words(
    client: Client, model: str, request_: dict, words: str
) -> None:
    with pytest.raises(DaemonError, match=words) as refused:
        infer(client, model, request_)
    assert refused.value.status == 422
