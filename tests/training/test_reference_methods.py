"""The reference systems on the bench: worked at their own size, pasted into the hole and nowhere else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from training import common
from training.reference import methods
from vanisher_core.errors import ModelError
from vanisher_core.models import dcgan128, vanisher2018

SIZES = {"vanisher-2018-segmenter": 32, "vanisher-2018-autoencoder": 32, "dcgan-128": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Weights of tiny networks, written as the trainings write theirs."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vanisher2018, "ENCODER", ((4,),) * 5)
        patch.setattr(vanisher2018, "DECODER", ((4,),) * 6)
        patch.setattr(dcgan128, "build_generator", lambda: dcgan128.Generator(widths=(4, 8)))
        torch.manual_seed(1)
        networks = {
            "vanisher-2018-segmenter": vanisher2018.build_segmenter(),
            "vanisher-2018-autoencoder": vanisher2018.build_autoencoder(),
            "dcgan-128": dcgan128.build_generator(),
        }
        for name, network in networks.items():
            header = {"architecture": name, "config": {}, "size": str(SIZES[name])}
            common.export_weights(network, folder / f"{name}.safetensors", header)
        yield folder


def scene(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    hole = np.zeros((height, width), bool)
    hole[height // 4 : height // 2 + 1, width // 3 : 2 * width // 3 + 1] = True
    return rgb, hole


@settings(max_examples=20)
@given(height=st.integers(1, 90), width=st.integers(1, 90), seed=st.integers(0, 99))
def test_fills_keep_every_known_pixel_at_any_size(folder: Path, height: int, width: int, seed: int) -> None:
    rgb, hole = scene(height, width, seed)
    found = methods.reference_methods(folder)
    assert found.keys() == methods.TITLES.keys()
    for fill in found.values():
        done = fill(rgb, hole)
        assert done.dtype == np.uint8 and done.shape == rgb.shape
        assert np.array_equal(done[~hole], rgb[~hole])
        assert np.array_equal(done, fill(rgb, hole))


@pytest.mark.parametrize("name", list(methods.TITLES))
def test_what_stands_in_the_hole_does_not_leak_through_the_scaling(folder: Path, name: str) -> None:
    fill = methods.reference_methods(folder)[name]
    rgb, hole = scene(70, 54)
    other = np.where(hole[..., None], 255 - rgb, rgb)
    assert np.array_equal(fill(rgb, hole)[hole], fill(other, hole)[hole])


def test_only_what_lies_there_is_offered(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "dcgan-128.safetensors").write_bytes((folder / "dcgan-128.safetensors").read_bytes())
    assert list(methods.reference_methods(tmp_path)) == ["dcgan-128"]


def test_an_empty_folder_says_what_to_train(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="train them with"):
        methods.reference_methods(tmp_path)
    with pytest.raises(ModelError, match="missing"):
        methods.reference_segmenters(tmp_path)


def test_weights_of_another_network_are_refused(folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "dcgan-128.safetensors"
    wrong.write_bytes((folder / "vanisher-2018-segmenter.safetensors").read_bytes())
    with pytest.raises(ModelError, match="train it again"):
        methods.reference_methods(tmp_path)
    tensors = load_file(folder / "dcgan-128.safetensors")
    del tensors[next(iter(tensors))]
    header = {"architecture": "dcgan-128", "config": {}, "size": "16"}
    module = torch.nn.Module()
    for name, tensor in tensors.items():
        module.register_buffer(name.replace(".", "_"), tensor)
    common.export_weights(module, wrong, header)
    with pytest.raises(ModelError, match="train it again"):
        methods.reference_methods(tmp_path)


def test_the_segmenter_answers_at_the_photographs_own_size(folder: Path) -> None:
    find = methods.reference_segmenters(folder)["vanisher-2018"]
    mask = find(scene(50, 81)[0])
    assert mask.dtype == np.bool_ and mask.shape == (50, 81)
