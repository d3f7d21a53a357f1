"""Weights of one run are averaged; those of different networks are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from training import mean
from vanisher_core.models.furniture import build_furniture


def written(path: Path, seed: int, classes: int = 3) -> Path:
    """A small network's weights, as training writes them."""
    torch.manual_seed(seed)
    header = {
        "classes": json.dumps(list("abcd"[:classes])),
        "version": "1",
        "training": json.dumps({"step": seed, "rooms": 5}),
    }
    save_file(build_furniture(classes).state_dict(), path, metadata=header)
    return path


def test_the_mean_lies_between_and_keeps_the_header(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2, 4)]
    out = tmp_path / "new" / "mean.safetensors"
    assert mean.main([str(out), *map(str, paths), "--version", "2"]) == 0
    each, got = [load_file(path) for path in paths], load_file(out)
    assert got.keys() == each[0].keys()
    for name, tensor in got.items():
        assert tensor.dtype == each[0][name].dtype
        if tensor.is_floating_point():
            assert torch.allclose(tensor, torch.stack([one[name] for one in each]).mean(0), atol=1e-6)
    with safe_open(out, framework="pt") as file:
        header = file.metadata()
    assert header["version"] == "2" and json.loads(header["classes"]) == ["a", "b", "c"]
    assert json.loads(header["training"]) == {"steps": [1, 2, 4], "rooms": 5}
    build_furniture(3).load_state_dict(got)


def test_what_cannot_be_averaged_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = written(tmp_path / "a.safetensors", 1), written(tmp_path / "b.safetensors", 1, classes=4)
    out = tmp_path / "out.safetensors"
    for paths, says in (
        ((one,), "two or more"),
        ((one, other), "different networks"),
        ((one, tmp_path / "c"), "c"),
    ):
        assert mean.main([str(out), *map(str, paths)]) == 1
        assert says in capsys.readouterr().err
    assert not out.exists()
