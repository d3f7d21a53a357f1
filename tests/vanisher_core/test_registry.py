"""The registry loads what was shipped, and nothing that was not."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vanisher_core.errors import ModelError, UsageError
from vanisher_core.models import registry
from vanisher_core.models.build import BUILDERS
from vanisher_core.models.header import MAX_HEADER, read_header

HEADER = {"architecture": "glcic", "config": "{}", "task": "inpaint", "classes": "[]", "version": "3"}


class Tiny(torch.nn.Linear):
    """A network of six numbers, standing in for the real ones."""

    def __init__(self) -> None:
        super().__init__(2, 2)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one whole weight file, `tiny`, listed."""
    monkeypatch.setitem(BUILDERS, "glcic", Tiny)
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path))
    write(tmp_path / "tiny.safetensors")
    registry.write_manifest()
    return tmp_path


def write(path: Path, tensors: dict[str, torch.Tensor] | None = None, **header: str) -> None:
    whole = {"weight": torch.eye(2), "bias": torch.tensor([1.0, -1.0])}
    save_file(tensors or whole, path, metadata=HEADER | header)


def raw(path: Path, header: object, payload: bytes = b"") -> None:
    """A file with a header of our own making."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + payload)


def test_a_whole_file_is_listed_described_loaded_and_verified(weights: Path) -> None:
    assert registry.names() == ("tiny",)
    about = registry.info("tiny")
    assert (about.architecture, about.task, about.version, about.parameters) == ("glcic", "inpaint", "3", 6)
    network = registry.load("tiny")
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert network(torch.tensor([2.0, 3.0])).tolist() == [3.0, 2.0]
    assert [verdict.ok for verdict in registry.verify()] == [True]


def test_half_precision_files_load_as_float32(weights: Path) -> None:
    write(weights / "tiny.safetensors", {"weight": torch.eye(2).half(), "bias": torch.zeros(2).half()})
    registry.write_manifest()
    assert {p.dtype for p in registry.load("tiny").parameters()} == {torch.float32}


def test_an_unknown_name_lists_the_known_ones(weights: Path) -> None:
    with pytest.raises(UsageError, match=r"'tyni'.*tiny"):
        registry.load("tyni")


def test_a_missing_file_says_what_to_do(weights: Path) -> None:
    (weights / "tiny.safetensors").unlink()
    with pytest.raises(ModelError, match=r"missing.*install Vanisher again"):
        registry.load("tiny")
    assert not registry.verify()[0].ok


def test_a_flipped_bit_is_found(weights: Path) -> None:
    path = weights / "tiny.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        registry.load("tiny")
    assert "SHA-256" in registry.verify()[0].problem


@pytest.mark.parametrize("keep", [0, 4, 8, 60, -1])
def test_a_truncated_file_is_found(weights: Path, keep: int) -> None:
    path = weights / "tiny.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"damaged|bytes"):
        registry.load("tiny")


def test_an_unlisted_file_is_not_loaded(weights: Path) -> None:
    write(weights / "stray.safetensors")
    with pytest.raises(ModelError, match="not listed"):
        registry.load("stray")
    assert {verdict.name: verdict.ok for verdict in registry.verify()} == {"tiny": True, "stray": False}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(weights: Path, value: float) -> None:
    write(weights / "tiny.safetensors", {"weight": torch.full((2, 2), value), "bias": torch.zeros(2)})
    registry.write_manifest()
    with pytest.raises(ModelError, match="not finite"):
        registry.load("tiny")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"architecture": "transformer-9000"}, "transformer-9000"),
        ({"task": "chat"}, "chat"),
        ({"config": "{"}, "not JSON"),
        ({"config": "[]"}, "does not know"),
        ({"config": '{"width": 3}'}, "do not fit"),
    ],
)
def test_a_header_for_something_else_is_refused(weights: Path, header: dict[str, str], said: str) -> None:
    write(weights / "tiny.safetensors", None, **header)
    registry.write_manifest()
    with pytest.raises(ModelError, match=said):
        registry.load("tiny")


def test_tensors_of_another_shape_are_refused(weights: Path) -> None:
    write(weights / "tiny.safetensors", {"weight": torch.zeros(3, 3), "bias": torch.zeros(3)})
    registry.write_manifest()
    with pytest.raises(ModelError, match="do not fit"):
        registry.load("tiny")


@pytest.mark.parametrize("text", ["{", "[]", '{"tiny.safetensors": 3}'])
def test_a_damaged_manifest_is_one_sentence(weights: Path, text: str) -> None:
    (weights / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="list of weights"):
        registry.names()


def test_no_weights_at_all_is_an_empty_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path / "nowhere"))
    assert registry.names() == ()
    assert registry.verify() == []


@pytest.mark.parametrize(
    ("header", "payload", "said"),
    [
        (b"{not json", b"", "not JSON"),
        ([], b"", "JSON object"),
        ({"__metadata__": {"a": 1}}, b"", "not text"),
        ({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234", "does not take"),
        ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"12345", "holds 5"),
        ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"12345678", "gap"),
        ({"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}, b"", "does not take"),
        ({"w": {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 4]}}, b"1234", "malformed"),
        ({"w": {"shape": [1]}}, b"", "malformed"),
        (
            {"w": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 2**64]}},
            b"1234",
            "holds 4|take bytes",
        ),
    ],
)
def test_sizes_that_do_not_add_up_are_refused(
    tmp_path: Path, header: object, payload: bytes, said: str
) -> None:
    path = tmp_path / "bad.safetensors"
    raw(path, header, payload)
    with pytest.raises(ModelError, match=said):
        read_header(path)


def test_a_header_that_claims_to_be_huge_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.safetensors"
    path.write_bytes(struct.pack("<Q", MAX_HEADER + 1) + b" " * 64)
    with pytest.raises(ModelError, match="header length"):
        read_header(path)


def test_shipped_weights_are_whole_and_load() -> None:
    assert {"inpaint-small", "segment-person"} <= set(registry.names())
    for verdict in registry.verify():
        assert verdict.ok, verdict.problem
        assert registry.load(verdict.name) is not None
