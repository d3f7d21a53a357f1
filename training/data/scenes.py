"""The inpainter's photographs and hole silhouettes, as uint8 tensors on the training device."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.data import room_views
from training.data.interiors import shapes
from training.data.masks import MaskBank
from training.data.shards import fingerprint, load_pictures, pictures, shards, validates

SILHOUETTES = 600
"""Objects whose outlines become holes; more add nothing to their variety."""


BORDER_SHARE = 0.55
"""Share of the training holes below a quarter of the picture that touch its border; unruled it is .77, and a quarter
of those that are measured do. Less takes long to draw."""


class Scenes(NamedTuple):
    """Everything the inpainter trains and validates on."""

    train: Tensor
    """N x 3 x S x S uint8."""
    validation: Tensor
    """M x 3 x S x S uint8, of other sources than `train`."""
    holes: MaskBank
    validation_holes: Tensor
    """M x 1 x S x S float32, the same in every run."""
    split: dict[str, str]
    """Fingerprints of both splits, for the model card."""
    rooms: Tensor | None = None
    """K x 3 x S x S uint8, views of rendered rooms without furniture."""
    rooms_validation: Tensor | None = None
    """The same of other rooms, as many as there are validation holes at most."""


def silhouettes(folder: Path, limit: int) -> list[np.ndarray]:
    """Outlines of people (training split), at most `limit`, each at most 160 px high; h x w uint8, 255 inside."""
    found: list[np.ndarray] = []
    for picture in pictures(shards(folder, "people-*.tar"), lambda key: not validates("people", key)):
        if picture.mask is not None and 0.02 < (picture.mask > 127).mean() < 0.6:
            step = max(1, picture.mask.shape[0] // 160)
            found.append(np.ascontiguousarray(picture.mask[::step, ::step]))
        if len(found) >= limit:
            break
    return found


def furniture(folder: Path, limit: int) -> list[np.ndarray]:
    """Outlines of furniture (training split of interiors), none where that shard is missing."""
    try:
        return shapes(folder, limit)
    except FileNotFoundError:
        return []


def empty_rooms(folder: Path, size: int) -> tuple[Tensor, Tensor]:
    """Views (N x 3 x S x S uint8) of rendered rooms without furniture: to learn from, and of those held out.

    Raises:
        ValueError: there is none of either.
    """
    parts: tuple[list[Tensor], list[Tensor]] = ([], [])
    for view in room_views.views(folder, size, furnished=False):
        held_out = int(view.key.split("-")[1]) % room_views.HELD_OUT == 0
        parts[held_out].append(torch.from_numpy(view.rgb).permute(2, 0, 1))
    if not all(parts):
        raise ValueError(f"{folder} needs rooms to learn from and one whose seed is a multiple of 10")
    return torch.stack(parts[0]), torch.stack(parts[1])


def load_scenes(
    folder: Path,
    size: int,
    limit: int,
    validate: int,
    bank: int,
    device: torch.device,
    rooms: Path | None = None,
) -> Scenes:
    """Reads the shards.

    Args:
        folder: where they lie.
        size: side of the squares, pixels.
        limit: at most so many training pictures (0: all), for rehearsals.
        validate: number of validation pictures, evenly spread over scenes-val.
        bank: number of training holes.
        device: where the tensors go.
        rooms: folder of rendered rooms.

    Raises:
        ValueError: the rooms are too few.
    """
    bare, bare_held_out = (None, None) if rooms is None else empty_rooms(rooms, size)
    scenes, scene_keys = load_pictures(folder, ("scenes-0*.tar",), size)
    people, people_keys = load_pictures(
        folder, ("people-*.tar",), size, lambda key: not validates("people", key)
    )
    train, keys = torch.cat((scenes, people)), scene_keys + people_keys
    if limit:
        train, keys = train[:limit], keys[:limit]
    validation, validation_keys = load_pictures(folder, ("scenes-val-*.tar",), size)
    step = max(1, len(validation) // validate)
    validation, validation_keys = validation[::step][:validate], validation_keys[::step][:validate]
    people_outlines = silhouettes(folder, SILHOUETTES)
    # the validation holes are people's as they have always been, so that figures of all runs compare
    middle = [hole for hole in MaskBank(4 * validate, size, people_outlines, seed=1, device="cpu").holes
              if 0.05 <= hole.float().mean() <= 0.25]  # fmt: skip
    outlines = people_outlines + furniture(folder, SILHOUETTES // 2)
    return Scenes(
        train.to(device),
        validation.to(device),
        MaskBank(bank, size, outlines, seed=0, device=device, border=BORDER_SHARE),
        torch.stack(middle[: len(validation)]).float().to(device),
        {"train": fingerprint(keys), "validation": fingerprint(validation_keys), "pictures": str(len(keys))},
        None if bare is None else bare.to(device),
        None
        if bare_held_out is None
        else _spread(bare_held_out, min(len(middle), len(validation))).to(device),
    )


def _spread(pictures: Tensor, count: int) -> Tensor:
    """At most so many, evenly spread."""
    return pictures[:: max(1, len(pictures) // count)][:count]


def augmented(train: Tensor, batch: int, size: int) -> Tensor:
    """Random squares of random pictures: crop, scale, mirror, exposure and colour balance, on the device.

    Args:
        train: N x 3 x S x S uint8.
        batch: how many.
        size: their side, at most S.

    Returns:
        batch x 3 x size x size float32 in [0, 1].
    """
    picked = train[torch.randint(len(train), (batch,), device=train.device)]
    side = int(torch.randint(size, train.shape[-1] + 1, ()))
    top, left = (int(torch.randint(train.shape[-1] - side + 1, ())) for _ in range(2))
    x = picked[..., top : top + side, left : left + side].float() / 255
    if side != size:
        x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False).clamp(
            0, 1
        )
    mirrored = torch.rand(batch, 1, 1, 1, device=x.device) < 0.5
    x = torch.where(mirrored, x.flip(-1), x)
    gain = 1 + 0.12 * torch.randn(batch, 3, 1, 1, device=x.device) * torch.tensor(
        (1.0, 0.6, 1.0), device=x.device
    ).view(1, 3, 1, 1)
    return (x.clamp_min(1e-4) ** torch.exp(0.15 * torch.randn(batch, 1, 1, 1, device=x.device)) * gain).clamp(
        0, 1
    )
