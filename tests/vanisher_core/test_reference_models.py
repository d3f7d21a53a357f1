"""The reference systems have their published sizes, and what they return can be pasted."""

import copy
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import nn

from vanisher_core.models import dcgan128, glcic, vanisher2018


@cache
def ready(build: Callable[[], nn.Module]) -> nn.Module:
    """A network in evaluation mode, made once: filling millions of weights takes most of the time."""
    torch.manual_seed(0)
    return build().eval()


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def picture(size: tuple[int, int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """One RGB picture and a hole in its middle."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    hole = torch.zeros(1, 1, height, width)
    hole[..., height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 1
    return torch.rand(1, 3, height, width, generator=generator), hole


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (vanisher2018.build_segmenter, 21_261_761),
        (vanisher2018.build_autoencoder, 21_263_491),
        (glcic.build_generator, 6_072_131),
        (glcic.build_discriminator, 45_063_681),
        (dcgan128.build_generator, 13_907_971),
        (dcgan128.build_discriminator, 13_907_329),
    ],
)
def test_parameter_counts(build, parameters: int) -> None:
    with torch.device("meta"):
        assert count(build()) == parameters


def test_published_counts_to_the_digits_given() -> None:
    """21.3 M by the 2018 report's layer table, 6.07 M for Iizuka's completion network."""
    with torch.device("meta"):
        assert round(count(vanisher2018.build_segmenter()) / 1e6, 1) == 21.3
        assert round(count(glcic.build_generator()) / 1e6, 2) == 6.07


def test_layers_of_the_2018_network_follow_its_table() -> None:
    with torch.device("meta"):
        network = vanisher2018.build_segmenter().network
    convolutions = [layer.out_channels for layer in network.encoder if isinstance(layer, nn.Conv2d)]
    assert convolutions == [64, 64, 128, 128, 256, 256, 512, 512, 512]
    up = [layer for layer in network.decoder if isinstance(layer, nn.ConvTranspose2d)]
    assert [layer.out_channels for layer in up if layer.stride == (1, 1)] == [
        *(512, 512, 512, 512, 256, 256, 128, 128, 64, 64),
        1,
    ]
    assert (
        sum(layer.stride == (2, 2) for layer in up)
        == sum(isinstance(x, nn.MaxPool2d) for x in network.encoder)
        == 5
    )


def test_glcic_dilations_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = glcic.build_generator()
    found = [
        layer.dilation[0]
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and layer.dilation != (1, 1)
    ]
    assert found == [2, 4, 8, 16]


def test_first_layer_of_the_autoencoder_sees_the_hole() -> None:
    with torch.device("meta"):
        network = vanisher2018.build_autoencoder().network
    assert network.encoder[0].in_channels == 4


@pytest.mark.parametrize("size", [(64, 96), (33, 47), (1, 1)])
def test_segmenter_gives_one_logit_a_pixel_at_any_size(size: tuple[int, int]) -> None:
    network = ready(vanisher2018.build_segmenter)
    with torch.inference_mode():
        logits = network(picture(size)[0])
    assert logits.shape == (1, 1, *size)
    assert torch.isfinite(logits).all()


GENERATORS = [vanisher2018.build_autoencoder, glcic.build_generator, dcgan128.build_generator]


@pytest.mark.parametrize("build", GENERATORS)
@pytest.mark.parametrize("size", [(128, 128), (67, 45), (5, 3)])
def test_generators_change_nothing_outside_the_hole(build, size: tuple[int, int]) -> None:
    network = ready(build)
    rgb, hole = picture(size)
    with torch.inference_mode():
        done = network(rgb, hole)
    known = (hole == 0).expand_as(rgb)
    assert done.shape == rgb.shape
    assert torch.equal(done[known], rgb[known])
    assert done.min() >= 0 and done.max() <= 1
    assert not torch.equal(done[~known], rgb[~known])


@pytest.mark.parametrize("build", GENERATORS)
def test_generators_ignore_what_stands_in_the_hole(build) -> None:
    network = ready(build)
    rgb, hole = picture((64, 64))
    other = torch.where(hole > 0, torch.rand_like(rgb), rgb)
    with torch.inference_mode():
        assert torch.equal(network(rgb, hole), network(other, hole))


@pytest.mark.parametrize("build", GENERATORS)
def test_generators_learn(build) -> None:
    """Every parameter gets a gradient from a loss inside the hole alone."""
    network = copy.deepcopy(ready(build)).train()
    rgb, hole = picture((64, 64))
    done = network(rgb.repeat(2, 1, 1, 1), hole.repeat(2, 1, 1, 1))
    ((done - 0.2) * hole).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert any(
        parameter.grad.abs().max() > 0 for parameter in network.parameters() if parameter.grad is not None
    )


@pytest.mark.parametrize(("module", "whole", "part"), [(glcic, 256, 128), (dcgan128, 128, 64)])
def test_discriminators_judge_picture_and_region(module, whole: int, part: int) -> None:
    network = ready(module.build_discriminator)
    rgb = picture((whole, whole))[0]
    with torch.inference_mode():
        verdict = network(rgb, rgb[..., :part, :part])
        elsewhere = network(rgb, rgb[..., -part:, -part:])
    assert verdict.shape == (1, 1)
    assert not torch.equal(verdict, elsewhere), "the region round the fill must count"
    with pytest.raises(ValueError, match=f"needs {whole}x{whole}"):
        network(rgb[..., :-2, :], rgb[..., :part, :part])


def test_glcic_paints_the_mean_colour_that_its_weights_carry() -> None:
    network = glcic.build_generator(mean=(0.1, 0.2, 0.3))
    assert torch.allclose(network.state_dict()["mean"].flatten(), torch.tensor([0.1, 0.2, 0.3]))
