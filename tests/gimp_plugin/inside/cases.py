"""The cases of the headless suite: plain data, read by pytest outside and by `suite.py` inside GIMP.

Each case is one image, one call of a procedure, and what has to come of it. What always has to hold (all other
layers, channels, guides, the selection, the chosen layers, mode, precision and profile as they were; nothing of the
picture changed outside the result's mask; undo group closed) is checked for every one by `suite.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT = 200, 144
"""Pixels of the canvas, and of the photograph where the case says nothing else."""

OBJECT = (92, 60, 116, 84)
"""Box of the dark thing on the photograph."""


@dataclass(frozen=True)
class Case:
    """One call.

    Attributes:
        name: of the test.
        base: RGB, GRAY or INDEXED.
        alpha: whether the photograph has an alpha channel (with a transparent corner).
        precision: name in Gimp.Precision.
        profile: "adobe" or "gray", or none.
        size, offset: of the photograph's layer.
        select: how (`suite.py`, select_...); empty: nothing is selected.
        situation: what else is done to the image before (`suite.py`, situation_...).
        procedure: which one is called.
        options: its arguments, beside image and drawables.
        says: part of the sentence with which it has to fail; empty: it has to work.
        notes: part of a message that has to come with success.
        result: "layer", "in-place" or "nothing".
        library: whether the result has to equal, bit for bit, what the library makes of the whole layer.
    """

    name: str
    base: str = "RGB"
    alpha: bool = False
    precision: str = "U8_NON_LINEAR"
    profile: str = ""
    size: tuple[int, int] = (WIDTH, HEIGHT)
    offset: tuple[int, int] = (0, 0)
    select: str = "ellipse"
    situation: str = ""
    procedure: str = "vanisher-selection"
    options: dict[str, Any] = field(default_factory=lambda: {"model": "exemplar"})
    says: str = ""
    notes: str = ""
    result: str = "layer"
    library: bool = False


IN_PLACE = {"model": "exemplar", "output": "in-place"}

PRECISIONS = [
    Case("u8", library=True),
    Case("u8-linear", precision="U8_LINEAR"),
    Case("u8-perceptual", precision="U8_PERCEPTUAL"),
    Case("u16", precision="U16_NON_LINEAR", library=True),
    Case("u16-linear", precision="U16_LINEAR"),
    Case("u32", precision="U32_NON_LINEAR"),
    Case("u32-linear", precision="U32_LINEAR"),
    Case("half-linear", precision="HALF_LINEAR"),
    Case("float-linear", precision="FLOAT_LINEAR", library=True),
    Case("float-gamma", precision="FLOAT_NON_LINEAR"),
    Case("double-linear", precision="DOUBLE_LINEAR"),
    Case("highlights-above-one", precision="FLOAT_LINEAR", situation="bright", library=True),
    Case("grey-u8", base="GRAY", library=True),
    Case("grey-u16-linear-alpha", base="GRAY", precision="U16_LINEAR", alpha=True),
    Case("grey-float", base="GRAY", precision="FLOAT_LINEAR"),
    Case("indexed", base="INDEXED", notes="palette"),
    Case("indexed-alpha", base="INDEXED", alpha=True, notes="palette"),
    Case("rgba-u8", alpha=True, library=True),
    Case("rgba-u16", alpha=True, precision="U16_NON_LINEAR", library=True),
    Case("adobe-rgb-u8", profile="adobe"),
    Case("adobe-rgb-u16", profile="adobe", precision="U16_NON_LINEAR"),
    Case("grey-profile", base="GRAY", profile="gray", precision="U16_NON_LINEAR"),
]
SELECTIONS = [
    Case("rectangle", select="rectangle", library=True),
    Case("feathered", select="feathered", library=True),
    Case("polygon", select="polygon"),
    Case("several-islands", select="islands", library=True),
    Case("touching-the-border", select="border", library=True),
    Case("corner", select="corner", precision="U16_NON_LINEAR", library=True),
    Case("one-pixel", select="pixel"),
    Case("whole-canvas", select="whole", says="at most 95% can be erased"),
    Case("nothing-selected", select="", says="Nothing is selected"),
    Case("too-faint", select="faint", says="too faint"),
    Case("beside-the-layer", size=(60, 60), offset=(-40, -40), says="does not touch 'photo'"),
    Case("grow-and-feather", options={"model": "exemplar", "grow": 9, "feather": 4.0}, library=True),
    Case("exact-mask", select="feathered", options={"model": "exemplar", "grow": 0, "feather": 0.0}, library=True),
    Case("feather-beyond-grow", options={"model": "exemplar", "grow": 2, "feather": 9.0}, says="must not be larger"),
    Case("another-seed", options={"model": "exemplar", "seed": 7}, library=True),
]  # fmt: skip
LAYERS = [
    Case("offset", size=(150, 120), offset=(30, 20), library=True),
    Case("larger-than-the-canvas", size=(WIDTH + 90, HEIGHT + 80), offset=(-40, -30)),
    Case("partly-off-the-canvas", size=(WIDTH, HEIGHT), offset=(70, 40), select="border-right"),
    Case("in-a-group", situation="group"),
    Case("the-group-itself", situation="group-chosen", says="is a group"),
    Case("with-a-layer-mask", situation="layer-mask"),
    Case("its-mask-chosen", situation="mask-chosen", says="layer mask is being edited"),
    Case("channel-chosen", situation="channel-chosen", says="A channel is chosen"),
    Case("two-layers-chosen", situation="two-chosen", says="2 layers are chosen"),
    Case("no-layer-chosen", situation="none-chosen", says="No layer is chosen"),
    Case("floating-selection", situation="floating", says="floating selection"),
    Case("locked-content", situation="locked"),
    Case("locked-position-and-alpha", situation="locked-otherwise", alpha=True),
    Case("text-layer", situation="text", alpha=True),
    Case("invisible", situation="invisible"),
    Case("half-opaque", situation="half-opaque", notes="not opaque"),
    Case("a-second-time", situation="erased-before"),
]
PLACES = [
    Case("in-place-u8", options=IN_PLACE, result="in-place"),
    Case("in-place-feathered", select="feathered", options=IN_PLACE, result="in-place"),
    Case("in-place-u16-alpha", alpha=True, precision="U16_NON_LINEAR", options=IN_PLACE, result="in-place"),
    Case(
        "in-place-float-offset", precision="FLOAT_LINEAR", offset=(14, 9), options=IN_PLACE, result="in-place"
    ),
    Case("in-place-indexed", base="INDEXED", options=IN_PLACE, result="in-place", notes="palette"),
    Case("in-place-adobe", profile="adobe", options=IN_PLACE, result="in-place"),
    Case("in-place-locked", situation="locked", options=IN_PLACE, says="are locked"),
    Case("in-place-in-a-locked-group", situation="locked-group", options=IN_PLACE, says="are locked"),
    Case("in-place-text", situation="text", alpha=True, options=IN_PLACE, says="a text layer"),
]
OTHERS = [
    Case("now-with-the-last-settings", procedure="vanisher-selection-now", options={}, library=True),
    Case("defaults", options={}),
    Case("nobody", procedure="vanisher-people", select="", situation="blank", options={}, result="nothing",
         notes="No person was found"),
    Case("people", procedure="vanisher-people", select="", situation="person"),
    Case("people-in-the-selection", procedure="vanisher-people", select="left-part", situation="person"),
    Case("panorama", procedure="vanisher-panorama", size=(288, 144), select="rectangle"),
    Case("panorama-across-the-seam", procedure="vanisher-panorama", size=(288, 144), select="border",
         precision="U16_NON_LINEAR"),
    Case("an-empty-panorama", procedure="vanisher-panorama", size=(288, 144), select="", situation="blank",
         result="nothing", notes="No furniture was found"),
    Case("no-panorama", procedure="vanisher-panorama", says="not 2:1"),
]  # fmt: skip

CASES = {case.name: case for case in [*PRECISIONS, *SELECTIONS, *LAYERS, *PLACES, *OTHERS]}

LAST = {"grow": 5, "feather": 2.0, "model": "exemplar", "seed": 3, "output": "layer"}
"""In `vanisher.json`, for `now-with-the-last-settings`."""
