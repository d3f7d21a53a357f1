"""The gallery: outlines lie in their photographs, and a tiny page holds what it promises."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training import gallery, speed
from training.gallery_scenes import OUTLINES, STROKES, Scene, polygon_hole, scenes
from training.holes import touches_border
from vanisher_core.errors import HopelessFill


def tiny_scene(name: str = "tiny") -> Scene:
    return Scene(name, "a <made> scene", speed.scene((120, 90)), speed.centred_hole((120, 90), (16, 12)))


def test_there_are_at_least_24_hand_placed_scenes_with_sane_outlines() -> None:
    assert len(OUTLINES) + len(STROKES) >= 24
    for name, (_, title, polygons) in OUTLINES.items():
        points = np.array([point for polygon in polygons for point in polygon])
        assert title
        assert points.min() >= 0, name
        assert points.max() <= 1, name
        share = polygon_hole((200, 150), polygons).mean()
        assert 0.0005 < share < 0.3, name


@pytest.mark.parametrize("name", ["trunk", "branch", "jetty"])
def test_scenes_said_to_be_cut_by_the_edge_touch_it(name: str) -> None:
    assert touches_border(polygon_hole((200, 150), OUTLINES[name][2]))


def test_no_shards_no_scenes(tmp_path: Path) -> None:
    assert list(scenes(tmp_path)) == []
    assert gallery.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert gallery.main(["--data", str(tmp_path / "missing")]) == 2


def test_page_shows_before_mask_and_after_and_escapes_titles(tmp_path: Path) -> None:
    scene = tiny_scene()
    page, outcomes = gallery.build([scene], tmp_path, "exemplar", "cpu")
    text = page.read_text()
    assert outcomes[0].after is not None
    assert "a &lt;made&gt; scene" in text
    for part in ("tiny-before.jpg", "tiny-after.jpg", "tiny-mask.png"):
        assert part in text
        with Image.open(tmp_path / part) as picture:
            assert picture.size == (120, 90)
    with Image.open(tmp_path / "plates" / "tiny.png") as picture:
        assert picture.width % 3 == 0


def test_erasing_a_scene_changes_nothing_outside_the_mask_that_was_used() -> None:
    erased = gallery.erase(tiny_scene(), "exemplar", "cpu")
    assert erased.after is not None
    kept = erased.mask_used == 0
    assert np.array_equal(erased.after[kept], erased.scene.rgb[kept])
    assert (erased.mask_used[erased.scene.hole] == 255).all()
    assert (erased.after[erased.scene.hole] != erased.scene.rgb[erased.scene.hole]).any()


def test_a_refusal_is_shown_and_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise HopelessFill("nothing is left to continue")

    monkeypatch.setattr("vanisher_core.vanish.Vanisher.erase", refuse)
    page, outcomes = gallery.build([tiny_scene("lost")], tmp_path, "exemplar", "cpu")
    assert outcomes[0].after is None
    assert "refused: nothing is left to continue" in page.read_text()
