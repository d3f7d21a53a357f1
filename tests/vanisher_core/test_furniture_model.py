"""The furniture network: a class for every direction of a sphere, and nothing that depends on where it begins."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from vanisher_core.models import registry
from vanisher_core.models.furniture import FurnitureNet, build_furniture
from vanisher_core.models.layout import ROUND

SMALL = {"widths": (8, 8, 16, 16, 24), "depths": (1, 1, 1, 1), "decoder_widths": (8, 8, 8, 16, 16)}
CLASSES = 4


@pytest.fixture(scope="module")
def net() -> FurnitureNet:
    """A network whose normalisation has seen pictures, so that every branch has a say."""
    torch.manual_seed(0)
    made = build_furniture(CLASSES, **SMALL)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            module.momentum = 1.0
    with torch.no_grad():
        made.train()(shapes(count=4))
    return made.eval().requires_grad_(False)


def shapes(height: int = 64, width: int = 256, count: int = 1) -> Tensor:
    """Panoramas with large shapes in them."""
    coarse = torch.rand((count, 3, height // 16, width // 16), generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, scale_factor=16.0, mode="nearest")


@examples(max_examples=8)
@given(high=st.integers(1, 3), wide=st.integers(2, 4), count=st.integers(1, 2))
def test_the_chances_of_all_classes_add_up_to_one(
    net: FurnitureNet, high: int, wide: int, count: int
) -> None:
    found = net(torch.rand(count, 3, 32 * high, 32 * wide))
    assert found.shape == (count, CLASSES, 16 * high, 16 * wide)
    assert torch.allclose(found.exp().sum(1), torch.ones(count, 16 * high, 16 * wide), atol=1e-4)


def test_the_shipped_size_is_small() -> None:
    assert sum(p.numel() for p in build_furniture(13).parameters()) <= 3_000_000


def test_nothing_is_hidden_from_it_and_it_goes_on_round_the_seam(net: FurnitureNet) -> None:
    seen: list[Tensor] = []
    hook = net.body.encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    rgb = shapes()
    net(rgb)
    hook.remove()
    (planes,) = seen
    inside = planes[..., ROUND:-ROUND]
    assert torch.equal(planes[..., :ROUND], inside[..., -ROUND:])
    assert torch.allclose(inside[:, :3] * net.body.std + net.body.mean, rgb, atol=1e-6)
    assert not inside[:, 3].any()


@pytest.mark.parametrize("by", [64, -128])
def test_a_turned_panorama_gives_the_turned_answer(net: FurnitureNet, by: int) -> None:
    rgb = shapes(width=512)
    straight, turned = net(rgb), net(rgb.roll(by, 3)).roll(-by // 2, 3)
    unlike = (straight - straight.roll(by // 2, 3)).abs().mean()
    assert (straight - turned).abs().mean() < 0.06 * unlike


def test_folding_changes_nothing_but_rounding(net: FurnitureNet) -> None:
    folded = net.folded()
    assert isinstance(folded, FurnitureNet)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert torch.allclose(net(shapes()), folded(shapes()), atol=1e-3)


def test_wrong_lengths_are_named() -> None:
    with pytest.raises(ValueError, match="5 widths"):
        build_furniture(CLASSES, **(SMALL | {"widths": (8, 8)}))


def test_it_goes_through_the_registry(
    net: FurnitureNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path))
    header = {
        "architecture": "furniture",
        "task": "furniture",
        "config": json.dumps(SMALL | {"classes": CLASSES}),
        "classes": json.dumps(["room", "bed", "rug", "lamp"]),
        "version": "1",
    }
    save_file(net.state_dict(), tmp_path / "room-furniture.safetensors", metadata=header)
    registry.write_manifest()
    about = registry.info("room-furniture")
    assert (about.task, about.classes) == ("furniture", ("room", "bed", "rug", "lamp"))
    loaded = registry.load("room-furniture")
    assert isinstance(loaded, FurnitureNet) and not loaded.training
    assert torch.equal(loaded(shapes()), net(shapes()))


@pytest.mark.parametrize("name", ["room-furniture", "near-furniture", "door-furniture", "house-furniture"])
def test_the_shipped_weights_find_nothing_in_an_even_room(name: str) -> None:
    net = registry.load(name)
    assert isinstance(net, FurnitureNet)
    rgb = torch.full((1, 3, 192, 384), 0.7)
    rgb[..., 120:, :] = 0.45
    rgb[..., :60, :] = 0.85
    with torch.inference_mode():
        found = net.folded()(rgb)
    assert found.shape == (1, len(registry.info(name).classes), 96, 192)
    assert (found[:, 0].exp() < 0.5).float().mean() < 0.02
