"""The default inpainting network: sizes, exactness outside the hole, and where its training starts from."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vanisher_core.models.inpainter import ResidualGenerator, build_inpaint_small, harmonic


@pytest.fixture(scope="module")
def generator() -> ResidualGenerator:
    torch.manual_seed(0)
    network = ResidualGenerator(widths=(8, 12), encoder_blocks=(1, 1), decoder_blocks=(1,)).eval()
    torch.nn.init.normal_(list(network.head.parameters())[-2], std=0.1)  # an untrained head predicts nothing
    return network


def _case(height: int, width: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    hole = torch.zeros(1, 1, height, width)
    hole[
        ..., height // 3 : height // 3 + max(1, height // 3), width // 4 : width // 4 + max(1, width // 2)
    ] = 1
    return torch.rand(1, 3, height, width, generator=random), hole


@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_any_size_in_gives_that_size_out_and_known_pixels_are_kept(
    generator: ResidualGenerator, height: int, width: int
) -> None:
    rgb, hole = _case(height, width)
    with torch.no_grad():
        done = generator(rgb, hole)
    assert done.rgb.shape == rgb.shape
    assert done.contrast.shape == hole.shape
    assert torch.equal(done.rgb * (1 - hole), rgb * (1 - hole))
    assert float(done.rgb.min()) >= 0
    assert float(done.rgb.max()) <= 1
    assert float(done.contrast.min()) >= 0


def test_what_the_hole_holds_is_not_looked_at(generator: ResidualGenerator) -> None:
    rgb, hole = _case(48, 40)
    with torch.no_grad():
        once = generator(rgb, hole).rgb
        again = generator(torch.where(hole > 0, torch.rand_like(rgb), rgb), hole).rgb
    assert torch.equal(once, again)


def test_training_starts_from_the_smooth_fill() -> None:
    torch.manual_seed(1)
    fresh = ResidualGenerator(widths=(8, 12), encoder_blocks=(1, 1), decoder_blocks=(1,)).eval()
    rgb, hole = _case(32, 64)
    with torch.no_grad():
        assert torch.allclose(fresh(rgb, hole).rgb, harmonic(rgb, 1 - hole), atol=1e-6)


def test_the_packaged_size_is_small() -> None:
    assert sum(p.numel() for p in build_inpaint_small().parameters()) == 1_916_673


@settings(deadline=None, max_examples=30)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_harmonic_stays_in_the_range_of_what_is_known(height: int, width: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    rgb = torch.rand(1, 2, height, width, generator=random)
    known = (torch.rand(1, 1, height, width, generator=random) < 0.3).float()
    filled = harmonic(rgb, known)
    assert torch.equal(filled * known, rgb * known)
    if known.any():
        for channel in range(2):
            values = rgb[0, channel][known[0, 0] > 0]
            assert float(filled[0, channel].min()) >= float(values.min()) - 1e-5
            assert float(filled[0, channel].max()) <= float(values.max()) + 1e-5
    else:
        assert not filled.any()


def test_harmonic_continues_a_constant() -> None:
    _, hole = _case(37, 53)
    filled = harmonic(torch.full((1, 3, 37, 53), 0.4), 1 - hole)
    assert torch.allclose(filled, torch.full_like(filled, 0.4), atol=1e-5)
