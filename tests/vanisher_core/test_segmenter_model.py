"""The segmenter's network: sizes, shapes, gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vanisher_core.models.segmenter import build_segmenter

SMALL = {"widths": (8, 8, 16, 16, 24), "depths": (1, 1, 1, 1), "decoder_widths": (8, 8, 8, 16, 16)}


def test_default_size_is_small():
    parameters = sum(p.numel() for p in build_segmenter().parameters())
    assert parameters <= 3_000_000


@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), classes=st.integers(1, 3))
def test_any_size_gives_a_logit_per_pixel(height, width, classes):
    net = build_segmenter(classes, **SMALL).eval()
    with torch.inference_mode():
        logits = net(torch.rand(1, 3, height, width))
    assert logits.shape == (1, classes, height, width)
    assert bool(torch.isfinite(logits).all())


def test_second_head_is_at_stride_16():
    fine, coarse = build_segmenter(2, **SMALL).eval().logits(torch.rand(2, 3, 64, 96))
    assert fine.shape == (2, 2, 64, 96) and coarse.shape == (2, 2, 4, 6)


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    net = build_segmenter(1, **SMALL).train()
    with torch.no_grad():
        for parameter in net.parameters():  # the branches' last scales start at 0: wake them
            parameter.add_(0.05 * torch.randn_like(parameter))
    fine, coarse = net.logits(torch.rand(4, 3, 64, 64))
    (fine.square().mean() + coarse.square().mean()).backward()
    missing = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []


def test_normalisation_travels_with_the_weights():
    assert {"mean", "std"} <= set(build_segmenter(1, **SMALL).state_dict())


@pytest.mark.parametrize("wrong", [{"widths": (8, 8)}, {"depths": (1,)}, {"decoder_widths": (8,)}])
def test_wrong_lengths_are_named(wrong):
    with pytest.raises(ValueError, match="5 widths"):
        build_segmenter(1, **(SMALL | wrong))


def test_folding_changes_nothing_but_rounding():
    torch.manual_seed(0)
    net = build_segmenter(1, **SMALL)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    net.eval()
    rgb = torch.rand(1, 3, 50, 70)
    folded = net.folded()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in net.modules())
    with torch.inference_mode():
        assert torch.allclose(net(rgb), folded(rgb), atol=1e-3)
