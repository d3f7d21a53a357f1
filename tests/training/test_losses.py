"""Losses of the inpainter: what they are blind to, what they see, and their gradients."""

import torch

from training import losses
from training.discriminator import GlobalLocalCritic, crop_round_hole


def _case() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    hole = torch.zeros(2, 1, 32, 32)
    hole[0, :, 8:20, 8:20] = 1
    hole[1, :, 0:6, 20:32] = 1
    return torch.rand(2, 3, 32, 32), hole


def test_reconstruction_sees_the_hole_only_and_is_zero_for_the_truth() -> None:
    truth, hole = _case()
    assert float(losses.reconstruction(truth, truth, hole)) == 0
    outside = torch.where(hole > 0, truth, 1 - truth)
    assert float(losses.reconstruction(outside, truth, hole)) < 1e-6
    assert float(losses.reconstruction(truth + 0.1, truth, hole)) > 0.05


def test_small_and_large_holes_weigh_the_same() -> None:
    truth, hole = _case()
    error = torch.full_like(truth, 0.5)
    assert torch.isclose(losses.hole_mean(error, hole), torch.tensor(0.5))


def test_blur_keeps_the_mean_of_a_constant_and_lowers_contrast() -> None:
    flat = torch.full((1, 3, 24, 24), 0.3)
    assert torch.allclose(losses.gaussian_blur(flat, 3.0), flat, atol=1e-6)
    assert float(losses.local_contrast(flat).max()) < 1e-6
    assert float(losses.local_contrast(torch.rand(1, 3, 24, 24)).mean()) > 0.05


def test_local_squares_lie_round_the_hole_and_inside_the_picture() -> None:
    truth, hole = _case()
    crops = crop_round_hole(torch.cat((truth, hole), 1), hole, 16)
    assert crops.shape == (2, 4, 16, 16)
    assert float(crops[0, 3].sum()) == 144
    assert float(crops[1, 3].sum()) == 72


def test_critics_learn_to_tell_noise_from_flat_and_generators_get_gradients() -> None:
    torch.manual_seed(0)
    critic = GlobalLocalCritic()
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3, betas=(0.5, 0.99))
    hole = _case()[1].repeat(2, 1, 1, 1).repeat_interleave(2, -1).repeat_interleave(2, -2)
    for _ in range(12):
        real, fake = torch.rand(4, 3, 64, 64), torch.full((4, 3, 64, 64), 0.5)
        loss = losses.discriminator_hinge(critic(real, hole)[0], critic(fake, hole)[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    fake = torch.full((4, 3, 64, 64), 0.5, requires_grad=True)
    score_of_real, score_of_fake = (
        critic(torch.rand(4, 3, 64, 64), hole)[0].mean(),
        critic(fake, hole)[0].mean(),
    )
    assert (score_of_real - score_of_fake).item() > 0.2
    score_of_fake.backward()
    assert fake.grad is not None
    assert float(fake.grad.abs().sum()) > 0


def test_gradient_penalty_is_the_squared_gradient() -> None:
    picture = torch.rand(2, 3, 4, 4, requires_grad=True)
    assert torch.isclose(losses.r1_penalty(2 * picture.sum((1, 2, 3)), picture), torch.tensor(4.0 * 48))
