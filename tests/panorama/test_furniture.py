"""What is furniture, as the whole room tells it: odds for every texel, and their say in what is found."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from panorama import Frame, Panorama, find, find_in_panorama, furniture
from panorama.rooms import VALIDATION_SEEDS, render
from panorama.rooms import classes as rendered
from tests.panorama.test_find import painted
from vanisher_core import errors
from vanisher_core.models import registry
from vanisher_core.segment import Segmenter


class RedRoom(nn.Module):
    """Says that what is redder than green is furniture, for nearly certain: a rug if bright, else a lamp."""

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        red, bright = (
            nn.functional.avg_pool2d(plane, 2) for plane in (rgb[:, :1] - rgb[:, 1:2], rgb[:, :1] - 0.7)
        )
        nothing, rug, lamp = 8 - red * 40, bright * 60, -bright * 60
        kind = torch.log_softmax(torch.cat([rug, lamp], 1), 1)
        return torch.log_softmax(torch.cat([nothing, kind], 1), 1)


class Doubtful(nn.Module):
    """A segmenter of one layer that finds what is redder than green nearly worth a mark: log odds of -3."""

    short = 128

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x[:, :1] - x[:, 1:2]).clamp(0, 0.5) * 6 - 6


@pytest.fixture
def red(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All networks look for red."""
    monkeypatch.setattr(furniture, "_network", lambda name: RedRoom())
    monkeypatch.setattr(furniture, "MODELS", {"room-furniture": (384, 0.5), "near-furniture": (512, 0.5)})
    known = {"furniture": (1, 2), "rug": (1,), "lamp": (2,)}
    for module in (furniture, find):
        monkeypatch.setattr(module, "kinds", lambda: known)
    monkeypatch.setattr("vanisher_core.segment.known_classes", lambda: {"furniture": "segment-red"})
    monkeypatch.setattr(Segmenter, "network", lambda self, name: (Doubtful(), 0))
    yield


@pytest.mark.parametrize("size", [(1024, 512), (600, 300), (301, 150), (384, 192)])
@pytest.mark.parametrize("yaw", [0.3, math.pi])
def test_every_texel_gets_odds_across_the_seam_too(red: None, size: tuple[int, int], yaw: float) -> None:
    frame = Frame.full(*size)
    array, inside = painted(frame, yaw, -0.2, 0.4)
    odds = furniture.RoomFurniture(frame, array).odds((1, 2))
    assert odds.shape == inside.shape and odds.dtype == np.float32
    assert odds[0, 0] == -furniture.CERTAIN
    wrong = (odds > 0) != inside
    weight = np.cos(frame.pitch(np.arange(frame.height)))[:, None]
    assert (wrong * weight).sum() < 0.1 * (inside * weight).sum()


def test_networks_are_averaged_by_their_say(monkeypatch: pytest.MonkeyPatch) -> None:
    odds = {"room-furniture": -2.0, "near-furniture": 3.0, "door-furniture": 1.0, "house-furniture": 0.5}

    class Even(nn.Module):
        """Says the same of every direction."""

        def __init__(self, name: str) -> None:
            super().__init__()
            beyond = [1.5] if name in ("door-furniture", "house-furniture") else []
            self.chances = torch.log_softmax(torch.tensor([0.0, odds[name], *beyond]), 0)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.chances.view(1, -1, 1, 1).expand(len(x), -1, x.shape[2] // 2, x.shape[3] // 2)

    monkeypatch.setattr(furniture, "_network", Even)
    picture = np.zeros((128, 256, 3), np.uint8)
    found = furniture.RoomFurniture(Frame.full(256, 128), picture).odds((1,))
    assert np.allclose(found, -0.4 + 0.6 + 0.2 + 0.2 + furniture.LEAN, atol=0.01)


def test_only_some_networks_tell_what_lies_beyond_and_say_of_it_what_it_would_be_in_the_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chances = {"old": [0.4, 0.6], "new": [0.1, 0.3, 0.6]}

    class Even(nn.Module):
        """Says the same of every direction."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.logs = torch.log(torch.tensor(chances[name]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.logs.view(1, -1, 1, 1).expand(len(x), -1, x.shape[2] // 2, x.shape[3] // 2)

    classes = {"old": ("room", "rug"), "new": ("room", "rug", furniture.BEYOND)}
    monkeypatch.setattr(furniture, "MODELS", {"old": (256, 0.5), "new": (256, 0.5)})
    monkeypatch.setattr(registry, "names", lambda: tuple(classes))
    monkeypatch.setattr(registry, "info", lambda name: SimpleNamespace(classes=classes[name]))
    monkeypatch.setattr(furniture, "_network", Even)
    assert furniture.kinds() == {"furniture": (1,), "rug": (1,)}
    room = furniture.RoomFurniture(Frame.full(256, 128), np.zeros((128, 256, 3), np.uint8))
    assert np.allclose(room.beyond(), 0.6, atol=0.001)
    odds = 0.5 * math.log(0.6 / 0.4) + 0.5 * math.log(0.3 / 0.1) + furniture.LEAN
    assert np.allclose(room.odds((1,)), odds, atol=0.01)
    monkeypatch.setattr(furniture, "MODELS", {"old": (256, 1.0)})
    alone = furniture.RoomFurniture(Frame.full(256, 128), np.zeros((128, 256, 3), np.uint8))
    assert not alone.beyond().any()


def test_a_mirrored_room_has_mirrored_odds(red: None) -> None:
    frame = Frame.full(512, 256)
    array, _ = painted(frame, 0.9, -0.2, 0.4)
    straight = furniture.RoomFurniture(frame, array).odds((1, 2))
    turned = furniture.RoomFurniture(frame, np.ascontiguousarray(array[:, ::-1])).odds((1, 2))[:, ::-1]
    assert np.allclose(straight, turned, atol=0.05)


def test_the_whole_room_convinces_where_views_doubt(red: None, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame.full(512, 256)
    array, inside = painted(frame, 0.4, -0.1, 0.3)
    panorama = Panorama.from_array(array)
    found = find_in_panorama(panorama, ("furniture",), device="cpu", shadows=False)["furniture"].hole
    assert (found & inside).sum() > 0.97 * inside.sum()
    monkeypatch.setattr(find, "WHOLE", 0.0)
    assert find_in_panorama(panorama, ("furniture",), device="cpu")["furniture"].is_empty


def test_views_decide_where_the_room_is_not_seen_whole(red: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> np.ndarray:
        raise AssertionError("asked about a part of a room")

    monkeypatch.setattr(find, "RoomFurniture", refuse)
    array, _ = painted(Frame.full(512, 256), 0.4, -0.1, 0.3)
    panorama = Panorama.from_array(array[40:200], Frame(512, 160, 512, 256, 0, 40))
    assert not panorama.frame.has_nadir
    assert find_in_panorama(panorama, ("furniture",), device="cpu")["furniture"].is_empty


def two_things() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A bright and a dark red disc, and where they are."""
    frame = Frame.full(512, 256)
    array, bright = painted(frame, 0.4, -0.1, 0.3)
    dark = painted(frame, -1.5, -0.1, 0.3)[1]
    array[dark] = (110, 0, 0)
    return array, bright, dark


@pytest.mark.parametrize(("name", "which"), [("rug", 0), ("lamp", 1)])
def test_a_piece_is_found_by_a_name_that_views_do_not_know(red: None, name: str, which: int) -> None:
    array, *things = two_things()
    found = find_in_panorama(Panorama.from_array(array), (name, "furniture"), device="cpu", shadows=False)
    own, other = things[which], things[1 - which]
    assert (found[name].hole & own).sum() > 0.9 * own.sum()
    assert (found[name].hole & other).sum() < 0.1 * other.sum()  # its outline is darker
    for thing in things:
        assert (found["furniture"].hole & thing).sum() > 0.9 * thing.sum()


def test_names_that_only_a_whole_room_tells_are_refused_for_a_part(red: None) -> None:
    panorama = Panorama.from_array(two_things()[0][40:200], Frame(512, 160, 512, 256, 0, 40))
    with pytest.raises(errors.UsageError, match="rug can be found only in a panorama of the whole sphere"):
        find_in_panorama(panorama, ("rug",), device="cpu")


def test_every_kind_of_the_renderer_has_a_name_and_names_all_weights_that_matter() -> None:
    known = furniture.kinds()
    assert {"furniture", "bed", "chair", "sofa", "table", "rug", "lamp", "picture", "cabinet"} <= known.keys()
    assert len(known["chair"]) == 2 and len(known["furniture"]) == 12 and 0 not in known["furniture"]
    assert find.weights(("rug",)).keys() == {
        "segment-furniture",
        *furniture.MODELS,
        "room-layout",
    }
    assert find.weights(("furniture", "person")).keys() == {
        "segment-furniture", "segment-person", *furniture.MODELS, "room-layout",
    }  # fmt: skip
    assert find.weights(("person",)).keys() == {"segment-person"}
    with pytest.raises(errors.UsageError, match=r"unicorn.*person.*cabinet"):
        find.weights(("unicorn",))


def test_people_are_found_without_the_weights_of_rooms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(registry.folder() / "segment-person.safetensors", tmp_path)
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path))
    registry.write_manifest()
    assert furniture.kinds() == {} and find.weights(("person",)).keys() == {"segment-person"}
    with pytest.raises(errors.UsageError, match=r"unicorn.*person"):
        find.weights(("unicorn",))


def test_a_name_alone_is_no_list_of_names() -> None:
    with pytest.raises(errors.UsageError, match="give a list of names"):
        find_in_panorama(Panorama.from_array(np.zeros((32, 64, 3), np.uint8)), "rug")


def test_the_shipped_network_finds_the_furniture_of_a_room_that_nothing_was_trained_on() -> None:
    room = render(VALIDATION_SEEDS.start + 5, 320, quality="draft")
    frame, truth = Frame.full(320, 160), (room.classes > 0) & (room.classes < rendered.TRIPOD)
    full, empty = (
        furniture.RoomFurniture(frame, picture).odds(furniture.kinds()["furniture"]) > 0
        for picture in (room.furnished, room.empty)
    )
    assert (full & truth).sum() > 0.5 * (full | truth).sum()
    assert empty.mean() < 0.02


@pytest.mark.parametrize(("share", "found"), [(0.3, False), (0.9, True)])
def test_what_sticks_out_of_a_doubtful_thing_makes_it_no_surer(
    monkeypatch: pytest.MonkeyPatch, share: float, found: bool
) -> None:
    frame = Frame.full(1024, 512)
    picture = np.full((512, 1024, 3), 220, np.uint8)
    box, top = (slice(240, 300), slice(500, 580)), (slice(225, 240), slice(510, 522))
    picture[box] = picture[top] = (40, 44, 60)
    odds = np.full((512, 1024), -furniture.CERTAIN, np.float32)
    odds[box] = 5

    class Told:
        """A room that is sure of furniture and less so that it is a lamp."""

        def __init__(self, *_: object) -> None:
            self.known = np.full((512, 1024), share, np.float32)

        def odds(self, channels: tuple[int, ...]) -> np.ndarray:
            return odds

        def share(self, channels: tuple[int, ...]) -> np.ndarray:
            return self.known

    monkeypatch.setattr(find, "RoomFurniture", Told)
    monkeypatch.setattr(find, "kinds", lambda: {"furniture": (1,), "lamp": (1,)})
    for name in ("shared", "certain", "in_the_room"):
        monkeypatch.setattr(find, name, lambda *_: odds.copy())
    monkeypatch.setattr(find, "room_layout", lambda *_: None)
    told = find._told({"lamp": "furniture"}, {"furniture": odds}, frame, picture)
    hole = find._mask(frame, frame, told["lamp"], shadows=False).hole
    assert hole[box].any() == found and hole[top].any() == found
