"""Rendered rooms: the same panorama furnished and truly empty, with masks, depth, normals and layout.

    from panorama.rooms import render
    room = render(seed=3, width=1024)
    room.furnished, room.empty, room.classes

A small physically based renderer in torch. Seeds 0 to 9999 are for training, 10000 and above for validation;
measurements in the documentation use 10000 to 10023.
"""

import vanisher_core  # noqa: F401 before torch: it says how idle threads wait, and on a busy machine that is all
from panorama.rooms.classes import CLASSES
from panorama.rooms.layout import Layout
from panorama.rooms.quality import QUALITIES
from panorama.rooms.render import Room, render

TRAINING_SEEDS = range(0, 10_000)
"""Rooms that networks may learn from."""
VALIDATION_SEEDS = range(10_000, 20_000)
"""Rooms that nothing is trained on; the first 24 are the benchmark."""

__all__ = ["CLASSES", "QUALITIES", "TRAINING_SEEDS", "VALIDATION_SEEDS", "Layout", "Room", "render"]
