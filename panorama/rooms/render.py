"""A seed in, the same panorama furnished and empty out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from panorama.rooms.camera import Camera
from panorama.rooms.layout import Layout
from panorama.rooms.quality import Quality, quality_of
from panorama.rooms.scene import Scene, draw_scene
from panorama.rooms.studio import Studio
from vanisher_core.errors import UsageError


@dataclass(frozen=True, eq=False)
class Room:
    """One rendered room; all arrays h x w with w = 2 h.

    Attributes:
        furnished: uint8 (h, w, 3) sRGB.
        empty: uint8 (h, w, 3), the same room, light and grain without furniture and tripod.
        classes: uint8 (h, w), index into `CLASSES`; above 0 wherever any ray of the pixel meets furniture.
        objects: int32 (h, w), 0 for the room, else the number of the object.
        beyond: bool (h, w), what lies beyond the walls of the empty room: outdoors, or a next room.
        normals: float32 (h, w, 3), unit vectors (x right, y forward, z up) of the furnished room; 0 where the sky
            or the open ground shows.
        depth: float32 (h, w), metres from the eye along the ray; infinite there.
        layout: Corners of the room.
        names: What each object is, such as "armchair"; object numbers count these from 1.
        kinds: The class index of each.
        seed: The seed it came from.
    """

    furnished: np.ndarray
    empty: np.ndarray
    classes: np.ndarray
    objects: np.ndarray
    beyond: np.ndarray
    normals: np.ndarray
    depth: np.ndarray
    layout: Layout
    names: tuple[str, ...]
    kinds: tuple[int, ...]
    seed: int


def render(
    seed: int, width: int, device: str = "cpu", quality: str = "normal", lived_in: bool = False
) -> Room:
    """Render the room of a seed, furnished and empty.

    Args:
        seed: Any whole number from 0; see `panorama.rooms` for which seeds serve what.
        width: Pixels, even, 64 to 8192.
        device: "cpu" (the same bytes each time) or "cuda".
        quality: A key of `QUALITIES`.
        lived_in: With small things, cords, fitted kitchens, terraces, doors that stand open: what photographs of homes
            show.

    Raises:
        UsageError: width, seed or quality outside these.
    """
    if seed < 0:
        raise UsageError(f"The seed is {seed}; give a whole number from 0.")
    if width % 2 or not 64 <= width <= 8192:
        raise UsageError(f"The width is {width}; it must be even and between 64 and 8192 pixels.")
    return render_scene(draw_scene(seed, lived_in), seed, width, torch.device(device), quality_of(quality))


@torch.inference_mode()
def render_scene(scene: Scene, seed: int, width: int, device: torch.device, quality: Quality) -> Room:
    """Render a scene; see `render`."""
    studio = Studio(scene, seed, width, device, quality)
    bare, filled, classes, objects = studio.expose()
    camera = Camera(np.random.default_rng([seed, 9]), scene.night)
    camera.meter(bare)
    guide = studio.full_guide
    return Room(
        furnished=camera.develop(filled),
        empty=camera.develop(bare),
        classes=classes.to(torch.uint8).cpu().numpy(),
        objects=objects.to(torch.int32).cpu().numpy(),
        beyond=studio.beyond().cpu().numpy(),
        normals=(guide.normal * (guide.part >= 0)).permute(1, 2, 0).float().cpu().numpy(),
        depth=studio.full_hits.distance.view(width // 2, width).cpu().numpy(),
        layout=Layout.of(scene),
        names=tuple(thing.name for thing in scene.furniture),
        kinds=tuple(thing.kind for thing in scene.furniture),
        seed=seed,
    )
