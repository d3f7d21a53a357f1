"""The light network: gains for every direction of a sphere; what it sees of furniture counts."""

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
from vanisher_core.models.layout import ROUND
from vanisher_core.models.light import LightNet, build_light

SMALL = {"widths": (8, 8, 16, 16, 24), "depths": (1, 1, 1, 1), "decoder_widths": (8, 8, 8, 16, 16)}


def woken() -> LightNet:
    """A network in which every weight has a say, at every scale: as built, branches begin at 0."""
    torch.manual_seed(0)
    net = build_light(**SMALL)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
            module.momentum = 1.0
    with torch.no_grad():
        net.train()(*room(count=4))  # normalisation learns what it normalises
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def net() -> LightNet:
    return woken()


def room(height: int = 64, width: int = 256, count: int = 1) -> tuple[Tensor, Tensor]:
    """A panorama with large shapes in it, and a hole in its lower half."""
    random = torch.Generator().manual_seed(1)
    coarse = torch.rand((count, 3, height // 16, width // 16), generator=random)
    rgb = torch.nn.functional.interpolate(coarse, scale_factor=16.0, mode="nearest")
    hole = torch.zeros(count, 1, height, width)
    hole[..., height // 2 : -8, width // 4 : width // 2] = 1
    return rgb, hole


@examples(max_examples=8)
@given(
    high=st.integers(1, 3), wide=st.integers(2, 4), count=st.integers(1, 2), covered=st.sampled_from([0, 0.5, 1])
)  # fmt: skip
def test_every_channel_gets_a_logarithm(
    net: LightNet, high: int, wide: int, count: int, covered: float
) -> None:
    height, width = 32 * high, 32 * wide
    hole = (torch.rand(count, 1, height, width) < covered).float()
    log = net(torch.rand(count, 3, height, width), hole)
    assert log.shape == (count, 3, height // 2, width // 2)
    assert log.isfinite().all()


def test_the_shipped_size_is_small() -> None:
    assert sum(p.numel() for p in build_light().parameters()) <= 3_000_000


def test_what_goes_is_looked_at_and_so_is_the_hole(net: LightNet) -> None:
    """Unlike in the layout network: the furniture's own colours tell what it does to the room."""
    rgb, hole = room()
    painted = torch.where(hole > 0, 1 - rgb, rgb)
    assert not torch.allclose(net(painted, hole), net(rgb, hole), atol=0.01)
    assert not torch.allclose(net(rgb, 0 * hole), net(rgb, hole), atol=0.01)


def test_the_encoder_sees_colours_hole_and_height_and_goes_on_round_the_seam(net: LightNet) -> None:
    rgb, hole = room()
    seen: list[Tensor] = []
    hook = net.body.encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(rgb, hole)
    hook.remove()
    (planes,) = seen
    assert planes.shape == (1, 5, 64, 256 + 2 * ROUND)
    inside = planes[..., ROUND:-ROUND]
    assert torch.equal(planes[..., :ROUND], inside[..., -ROUND:])
    assert torch.equal(planes[..., -ROUND:], inside[..., :ROUND])
    assert torch.allclose(inside[:, :3] * net.body.std + net.body.mean, rgb, atol=1e-6)
    assert torch.equal(inside[:, 3:4], hole)
    assert torch.allclose(inside[0, 4], torch.linspace(1, -1, 64)[:, None].expand(64, 256))


@pytest.mark.parametrize("by", [64, 128, -64])
def test_a_turned_panorama_gives_the_turned_answer(net: LightNet, by: int) -> None:
    """All but the mean of the picture, in which the repeated columns count twice, and the coarsest maps' far reach."""
    rgb, hole = room(width=512)
    straight = net(rgb, hole)
    turned = net(rgb.roll(by, 3), hole.roll(by, 3)).roll(-by // 2, 3)
    unlike = (straight - straight.roll(by // 2, 3)).abs().mean()
    assert (straight - turned).abs().mean() < 0.06 * unlike


def test_the_seam_is_nowhere_in_particular(net: LightNet) -> None:
    """A picture that repeats itself every 64 columns gives an answer that does, at its ends too."""
    rgb, hole = room(width=64)
    log = net(rgb.repeat(1, 1, 1, 6), hole.repeat(1, 1, 1, 6))
    parts = torch.stack(log.chunk(6, 3))
    assert (parts - parts[2]).abs().max() < 0.1 * parts.abs().max()


def test_folding_changes_nothing_but_rounding(net: LightNet) -> None:
    folded = net.folded()
    assert isinstance(folded, LightNet)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in net.modules())
    rgb, hole = room()
    assert torch.allclose(net(rgb, hole), folded(rgb, hole), atol=1e-3)


def test_every_parameter_learns() -> None:
    net = woken().train().requires_grad_(True)
    rgb, hole = room(count=2)
    net(rgb, hole)[:, :, 5].square().sum().backward()
    missing = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []


@pytest.mark.parametrize("wrong", [{"widths": (8, 8)}, {"depths": (1,)}, {"decoder_widths": (8,)}])
def test_wrong_lengths_are_named(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="5 widths"):
        build_light(**(SMALL | wrong))


def test_it_goes_through_the_registry(net: LightNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path))
    header = {
        "architecture": "light",
        "task": "light",
        "config": json.dumps(SMALL),
        "classes": "[]",
        "version": "1",
    }
    save_file(net.state_dict(), tmp_path / "room-light.safetensors", metadata=header)
    registry.write_manifest()
    about = registry.info("room-light")
    assert (about.architecture, about.task, about.classes) == ("light", "light", ())
    loaded = registry.load("room-light")
    assert isinstance(loaded, LightNet) and not loaded.training
    rgb, hole = room()
    assert torch.equal(loaded(rgb, hole), net(rgb, hole))


def test_the_shipped_weights_leave_an_empty_room_as_it_is() -> None:
    """An even room without anything to erase needs next to no other light."""
    net = registry.load("room-light")
    assert isinstance(net, LightNet)
    rgb = torch.full((1, 3, 128, 256), 0.7)
    rgb[..., 80:, :] = 0.45
    rgb[..., :40, :] = 0.85
    with torch.inference_mode():
        log = net.folded()(rgb, torch.zeros(1, 1, 128, 256))
    assert log.shape == (1, 3, 64, 128)
    assert log.abs().mean() < 0.1
