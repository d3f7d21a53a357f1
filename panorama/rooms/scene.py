"""One room as data: the fixed room, its furniture, the lights, the outside, the eye."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from panorama.rooms.classes import ROOM
from panorama.rooms.clutter import strew
from panorama.rooms.fixtures import fixtures, lived_in_style, next_rooms, open_doors
from panorama.rooms.furnish import Furnisher, stand_camera
from panorama.rooms.light_sources import Light, Outside
from panorama.rooms.plan import Plan, draw_plan, plain_plan
from panorama.rooms.shell import Shell
from panorama.rooms.style import Style, draw_style
from panorama.rooms.terrace import glaze, terraces
from panorama.rooms.tracer import Thing

BARE = 0.12
"""Share of homes in which little stands: nobody has moved in yet, or somebody moves out."""


@dataclass
class Scene:
    """Everything that is rendered.

    Attributes:
        plan: Outline and openings.
        room: Fixed things, class 0.
        furniture: Things that the empty room lacks, the tripod among them.
        lights: All sources; `Light.furnished` marks those of the furniture.
        outside: What the windows show.
        eye: (3,) metres.
        night: Whether lamps light the room.
        merged: Share of its light in which outdoors is shown, but in mirrors: photographers merge a darker exposure.
    """

    plan: Plan
    room: list[Thing]
    furniture: list[Thing]
    lights: list[Light]
    outside: Outside
    eye: np.ndarray
    night: bool
    merged: float = 1.0


def draw_scene(seed: int, lived_in: bool = False) -> Scene:
    """The room of a seed; each stage has its own random stream, so that a change in one leaves the others.

    Args:
        seed: any whole number from 0.
        lived_in: with what homes are full of besides furniture: small things, cords, kitchens, terraces, open doors.
    """
    streams = [np.random.default_rng([seed, stage]) for stage in range(6)]
    plan = draw_plan(streams[0])
    night = bool(streams[1].random() < 0.12)
    style, own = draw_style(streams[1]), streams[5]
    if lived_in:
        style = lived_in_style(style, own)
        open_doors(plan, own)
        glaze(plan, own)
    shell = Shell(plan, style, night, streams[1])
    outside, sun = _weather(plan, night, streams[4])
    things, lights = next_rooms(plan, style, own)
    if lived_in and any(light.kind == "window" for light in shell.lights):  # and no net curtains
        before, skies = terraces(plan, outside, own)
        things, lights = things + before, lights + skies
    merged = float(np.exp(own.uniform(-2.5, 0))) if lived_in and not night else 1.0
    furnisher = Furnisher(plan, streams[2], bool(night or streams[2].random() < 0.3))
    if lived_in:
        fixtures(furnisher, style, own)
    if not (lived_in and own.random() < BARE):
        furnisher.furnish()
    if lived_in:
        strew(furnisher, own)
    eye = stand_camera(furnisher, streams[3], anywhere=lived_in and bool(own.random() < 0.6))
    lights += shell.lights + furnisher.lights + ([sun] if sun else [])
    fixed = [thing for thing in furnisher.things if thing.kind == ROOM]
    loose = [thing for thing in furnisher.things if thing.kind != ROOM]
    return Scene(plan, shell.things + things + fixed, loose, lights, outside, eye, night, merged)


def bare_scene(size: tuple[float, float, float], style: Style, eye: np.ndarray) -> Scene:
    """A plain closed box centred on the origin, for measurements."""
    plan = plain_plan(*size)
    shell = Shell(plan, style, True, np.random.default_rng(0))
    return Scene(plan, shell.things, [], shell.lights, NIGHT, eye, True)


NIGHT = Outside(
    (0.01, 0.013, 0.025), (0.03, 0.03, 0.04), (0.006, 0.006, 0.006), (0.004, 0.005, 0.006), 0.1, 0.0
)
"""A dark outside."""


def _weather(plan: Plan, night: bool, random: np.random.Generator) -> tuple[Outside, Light | None]:
    """Sky, ground, and often a sun that shines in through a window."""
    if night:
        return NIGHT, None
    cloudy = random.random() < 0.45
    level = float(random.uniform(3.5, 9))
    tint = np.array([1.0, 1.02, 1.06]) if cloudy else np.array([0.82, 0.95, 1.13])
    sky, horizon = tuple(tint * level), tuple(np.array([1.0, 1.03, 1.07]) * level * 1.15)
    ground = tuple(np.array([0.5, 0.5, 0.44]) * level * random.uniform(0.3, 0.8))
    green = np.array([[0.16, 0.24, 0.1], [0.34, 0.3, 0.26], [0.28, 0.3, 0.3]])[int(random.integers(3))]
    outside = Outside(
        sky,
        horizon,
        ground,
        tuple(green * level),
        float(random.uniform(0.02, 0.3)),
        float(random.uniform(0, 9)),
    )
    windows = [(wall, gap) for wall in plan.walls for gap in wall.openings if gap.kind != "door"]
    if cloudy or not windows or random.random() < 0.3:
        return outside, None
    wall, _ = windows[int(random.integers(len(windows)))]
    height, swing = float(random.uniform(0.35, 0.95)), float(random.uniform(-0.9, 0.9))
    out = -wall.inward
    flat = math.cos(swing) * out + math.sin(swing) * wall.along
    towards = np.array([flat[0] * math.cos(height), flat[1] * math.cos(height), math.sin(height)])
    strength = float(random.uniform(16, 40))
    irradiance = (strength, strength * 0.93, strength * 0.8)
    sun = Light("sun", towards, np.array([0.008, 0, 0]), np.zeros(3), irradiance)
    return outside, sun
