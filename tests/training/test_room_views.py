"""Rendered rooms as training pictures: views that show what the panorama shows, codes for all that is there."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from panorama.rooms import CLASSES
from panorama.rooms import classes as rendered
from training.data import interiors, room_views, shards
from training.data.canvases import joined, pack
from training.segment import warm_start
from vanisher_core.models.segmenter import build_segmenter

SEED = 3


@pytest.fixture
def folder(small_room: Path, tmp_path: Path) -> Path:
    """The shared room under a number to train on."""
    for path in small_room.iterdir():
        shutil.copy(path, tmp_path / path.name.replace("10000", f"{SEED:05d}"))
    return tmp_path


def test_every_room_gives_views_with_labels_and_of_its_empty_self(folder: Path) -> None:
    found = list(room_views.views(folder, 48))
    assert len(found) == room_views.LEVEL + room_views.DOWN + 1 + room_views.BARE
    assert len({picture.key for picture in found}) == len(found)
    assert all(picture.rgb.shape == (48, 48, 3) for picture in found)
    labels = [picture.classes for picture in found if picture.classes is not None]
    assert all(plane.max() < len(CLASSES) for plane in labels)
    shown = np.unique(np.concatenate([plane.ravel() for plane in labels]))
    whole = np.unique(room_views.rooms(folder)[0].classes())
    assert set(shown) <= set(whole)
    assert (shown > 0).sum() >= 2
    bare = [p for p in found if shards.source(p.key) == room_views.BARE_SOURCE]
    assert all(picture.classes is not None and not picture.classes.any() for picture in bare)


def test_views_repeat(folder: Path) -> None:
    first, second = (list(room_views.views(folder, 32)) for _ in range(2))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, second, strict=True))


def test_a_validation_room_is_refused(tmp_path: Path) -> None:
    (tmp_path / "10003.json").write_text("{}")
    with pytest.raises(ValueError, match="room 10003 in"):
        room_views.rooms(tmp_path)
    with pytest.raises(FileNotFoundError, match="no rendered room"):
        room_views.rooms(tmp_path / "elsewhere")


def test_codes_tell_furniture_room_and_the_unknown_tripod() -> None:
    classes = np.array([[rendered.ROOM, rendered.TRIPOD, rendered.SOFA, rendered.LAMP]], np.uint8)
    codes = interiors.room_codes(shards.Picture("room-1", np.zeros((1, 4, 3), np.uint8), None, classes))
    target, weight = interiors.code_table()[torch.from_numpy(codes[0]).long()].chunk(2, 1)
    any_of, sofa = 0, interiors.CLASSES.index("sofa")
    assert target[:, any_of].tolist() == [0, 0, 1, 1]
    assert target[:, sofa].tolist() == [0, 0, 1, 0]
    assert weight[:, any_of].tolist() == [1, 0, 1, interiors.OTHER_WEIGHT]


def test_rendered_and_bare_rooms_are_groups_of_their_own(folder: Path) -> None:
    packed = pack(room_views.views(folder, 32), 32, kind=interiors.Rooms, label=interiors.room_codes)
    both = joined([packed, packed])
    assert len(both.group("rendered")) == 2 * (room_views.LEVEL + room_views.DOWN + 1)
    assert len(both.group("bare")) == 2 * room_views.BARE
    assert not len(both.group("scenes"))


def test_a_warm_start_takes_what_fits(tmp_path: Path) -> None:
    from training.common import export_weights

    small = {"widths": (4, 4, 8, 8, 8), "depths": (1, 1, 1, 1), "decoder_widths": (4, 4, 4, 4, 4)}
    one, two = (build_segmenter(count, *small.values()) for count in (1, 7))
    path = export_weights(one, tmp_path / "one.safetensors", {"architecture": "segmenter"})
    assert 0 < warm_start(two, path) < len(two.state_dict())
    old, new = one.state_dict(), two.state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old if old[name].shape == new[name].shape)
    with pytest.raises(ValueError, match="no tensor"):
        warm_start(torch.nn.Linear(2, 2), path)
