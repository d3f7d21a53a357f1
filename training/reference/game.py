"""The game of the DCGAN object eliminator: what each side does in its turn.

The discriminator judges whole pictures and the regions round their holes (Iizuka, Simo-Serra & Ishikawa, SIGGRAPH
2017, section 3.3); for real pictures the region lies where another random hole would be. Its loss is the mean of
its cross-entropies on real and on filled pictures, so that guessing scores 0.69, and is measured in the generator's
turn as well. Real and filled pictures are normalised apart, each batch by its own statistics.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.reference import data
from training.reference.epochs import autocast, prepared
from training.reference.holes import random_boxes, regions
from vanisher_core.models import dcgan128


class Players(NamedTuple):
    """Both networks with their optimisers."""

    generator: dcgan128.Generator
    discriminator: dcgan128.Discriminator
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def modules(self) -> dict[str, nn.Module]:
        """By the names of a checkpoint's parts."""
        return {"generator": self.generator, "discriminator": self.discriminator}


class Batch(NamedTuple):
    """Pictures of one step: those to be completed, and others that are shown as real."""

    truth: Tensor
    """B x 3 x S x S in [0, 1]."""
    hole: Tensor
    """B x 1 x S x S, 1 = fill."""
    real: Tensor
    """B x 3 x S x S in [0, 1]."""
    real_hole: Tensor
    """Where a hole would be in the real ones: the local discriminator looks there."""


def players(rate: float, device: torch.device) -> Players:
    """Networks and Adam (betas 0.5 and 0.999: Radford et al., DCGAN, 2016, section 4) at their start."""
    generator, discriminator = dcgan128.build_generator(), dcgan128.build_discriminator()
    for network in (generator, discriminator):
        prepared(network, network, device)
    optimizers: dict[str, torch.optim.Optimizer] = {
        name: torch.optim.Adam(network.parameters(), rate, betas=(0.5, 0.999))
        for name, network in (("generator", generator), ("discriminator", discriminator))
    }
    return Players(generator, discriminator, optimizers)


def hole_sides(size: int) -> tuple[int, int]:
    """Shortest and longest side of a hole: Iizuka's 96-128 pixels of 256, for another size of picture."""
    return 3 * size // 8, size // 2


def draw(pictures: Tensor, size: int, count: int, generator: torch.Generator) -> Batch:
    """A batch of random squares of random pictures, each with a hole of 3/8 to 1/2 of its side."""
    truth, real = (
        data.cut(pictures, torch.randint(len(pictures), (count,), generator=generator), size, generator)
        for _ in range(2)
    )
    hole, real_hole = (
        random_boxes(count, size, *hole_sides(size), generator, pictures.device) for _ in range(2)
    )
    return Batch(truth, hole, real, real_hole)


def judged(discriminator: dcgan128.Discriminator, pictures: Tensor, holes: Tensor) -> Tensor:
    """B x 1 logits of being real, from the whole pictures and the regions round their holes."""
    return discriminator(pictures, regions(pictures, holes, discriminator.part.size)).float()


def cross_entropy(logits: Tensor, real: bool) -> Tensor:
    """Of pictures all of which are real, or none."""
    wanted = torch.full_like(logits, float(real))
    return functional.binary_cross_entropy_with_logits(logits, wanted)


def discriminator_turn(pair: Players, batch: Batch) -> float:
    """One step of the discriminator; returns its loss before it."""
    with autocast(batch.truth.device):
        with torch.no_grad():
            fake = pair.generator(batch.truth, batch.hole)
        of_real = cross_entropy(judged(pair.discriminator, batch.real, batch.real_hole), True)
        of_fake = cross_entropy(judged(pair.discriminator, fake, batch.hole), False)
        loss = (of_real + of_fake) / 2
    _step(pair.optimizers["discriminator"], loss)
    return float(loss.detach())


def generator_turn(pair: Players, batch: Batch, adversarial: float) -> tuple[float, float]:
    """One step of the generator; returns its loss, and the discriminator's loss before it."""
    pair.discriminator.requires_grad_(False)
    with autocast(batch.truth.device):
        fake = pair.generator(batch.truth, batch.hole)
        verdict = judged(pair.discriminator, fake, batch.hole)
        squared = (fake.float() - batch.truth).square() * batch.hole
        error = squared.sum() / (3 * batch.hole.sum())
        loss = error + adversarial * cross_entropy(verdict, True)
        with torch.no_grad():
            of_real = cross_entropy(judged(pair.discriminator, batch.real, batch.real_hole), True)
    _step(pair.optimizers["generator"], loss)
    pair.discriminator.requires_grad_(True)
    of_fake = cross_entropy(verdict.detach(), False)
    return float(loss.detach()), float((of_real + of_fake) / 2)


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
