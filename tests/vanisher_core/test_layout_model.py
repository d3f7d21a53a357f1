"""The layout network: probabilities over rows, blind to what is hidden, at home on a sphere."""

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
from vanisher_core.models.layout import EDGES, ROUND, LayoutNet, build_layout

SMALL = {"widths": (8, 8, 16, 16, 24), "depths": (1, 1, 1, 1), "decoder_widths": (8, 8, 8, 16, 16)}


def woken(**sizes: tuple[int, ...]) -> LayoutNet:
    """A network in which every weight has a say, at every scale: as built, branches begin at 0."""
    torch.manual_seed(0)
    net = build_layout(**(SMALL | sizes))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
            module.momentum = 1.0
    with torch.no_grad():
        net.train()(*room(count=4))  # normalisation learns what it normalises
        net.body.head.get_parameter("weight").mul_(2)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def net() -> LayoutNet:
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
def test_every_column_of_both_edges_adds_up_to_one(high: int, wide: int, count: int, covered: float) -> None:
    height, width = 32 * high, 32 * wide
    hole = (torch.rand(count, 1, height, width) < covered).float()
    log = woken()(torch.rand(count, 3, height, width), hole)
    assert log.shape == (count, len(EDGES), height // 2, width // 2)
    assert torch.allclose(log.exp().sum(2), torch.ones(count, len(EDGES), width // 2), atol=1e-5)


def test_the_shipped_size_is_small() -> None:
    assert sum(p.numel() for p in build_layout().parameters()) <= 3_000_000


def test_what_lies_under_the_hole_has_no_influence(net: LayoutNet) -> None:
    rgb, hole = room()
    painted = torch.where(hole > 0, torch.rand_like(rgb), rgb)
    assert torch.equal(net(painted, hole), net(rgb, hole))
    assert not torch.allclose(net(painted, 0 * hole), net(rgb, 0 * hole), atol=0.1)


def test_the_hole_itself_is_seen(net: LayoutNet) -> None:
    rgb, hole = room()
    mean = torch.where(hole > 0, net.body.mean, rgb)  # which is what the network has for colours there
    assert not torch.allclose(net(mean, hole), net(mean, 0 * hole), atol=0.1)


def test_the_encoder_sees_colours_hole_and_height_and_goes_on_round_the_seam(net: LayoutNet) -> None:
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
    covered = hole[0, 0] > 0
    assert torch.equal(inside[:, 3:4], hole) and not inside[0, :3, covered].any()
    colours = inside[:, :3] * net.body.std + net.body.mean
    assert torch.allclose(colours[0, :, ~covered], rgb[0, :, ~covered], atol=1e-6)
    assert torch.allclose(inside[0, 4], torch.linspace(1, -1, 64)[:, None].expand(64, 256))


@pytest.mark.parametrize("by", [64, 128, -64])
def test_a_turned_panorama_gives_the_turned_answer(net: LayoutNet, by: int) -> None:
    """All but the mean of the picture, in which the repeated columns count twice, and the coarsest maps' far reach."""
    rgb, hole = room(width=512)
    straight = net(rgb, hole).exp()
    turned = net(rgb.roll(by, 3), hole.roll(by, 3)).exp().roll(-by // 2, 3)
    unlike = (straight - straight.roll(by // 2, 3)).abs().mean()
    assert (straight - turned).abs().mean() < 0.04 * unlike


def test_the_seam_is_nowhere_in_particular(net: LayoutNet) -> None:
    """A picture that repeats itself every 64 columns gives an answer that does, at its ends too."""
    rgb, hole = room(width=64)
    log = net(rgb.repeat(1, 1, 1, 6), hole.repeat(1, 1, 1, 6))
    parts = torch.stack(log.exp().chunk(6, 3))
    assert (parts - parts[2]).abs().max() < 0.1 * parts.max()


def test_folding_changes_nothing_but_rounding(net: LayoutNet) -> None:
    folded = net.folded()
    assert isinstance(folded, LayoutNet)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in net.modules())
    rgb, hole = room()
    assert torch.allclose(net(rgb, hole), folded(rgb, hole), atol=1e-3)


def test_every_parameter_learns() -> None:
    net = woken().train().requires_grad_(True)
    rgb, hole = room(count=2)
    net(rgb, hole)[:, :, 5].sum().neg().backward()
    missing = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []


@pytest.mark.parametrize("wrong", [{"widths": (8, 8)}, {"depths": (1,)}, {"decoder_widths": (8,)}])
def test_wrong_lengths_are_named(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="5 widths"):
        build_layout(**(SMALL | wrong))


def test_it_goes_through_the_registry(
    net: LayoutNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path))
    header = {
        "architecture": "layout",
        "task": "layout",
        "config": json.dumps(SMALL),
        "classes": "[]",
        "version": "1",
    }
    save_file(net.state_dict(), tmp_path / "room-layout.safetensors", metadata=header)
    registry.write_manifest()
    about = registry.info("room-layout")
    assert (about.architecture, about.task, about.classes) == ("layout", "layout", ())
    assert about.parameters == sum(tensor.numel() for tensor in net.state_dict().values())
    loaded = registry.load("room-layout")
    assert isinstance(loaded, LayoutNet) and not loaded.training
    rgb, hole = room()
    assert torch.equal(loaded(rgb, hole), net(rgb, hole))
    assert [verdict.ok for verdict in registry.verify()] == [True]
