"""Photographs labelled by eye: a split that holds, labels as large as their pictures, figures that are the labels'."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from panorama.rooms import classes as rendered
from tests.training.painted_rooms import box, write_rooms
from tests.training.shard_writer import add_picture
from tests.training.test_interiors import furniture_shard
from training import evaluate, evaluate_photographs, furniture, label, label_edits
from training.data import interiors, pasted, photographs, room_furniture, shards
from training.data.canvases import pack
from training.data.labels import read_labels
from training.data.room_furniture import BEYOND, UNKNOWN
from training.segment_tasks import Sources, load_furniture, split_of
from vanisher_core.segment import Segmenter

REPOSITORY = Path(__file__).parents[2]
HIGH, WIDE = 90, 90
KEYS = [f"places_bedroom_{number:05d}" for number in range(30)]
LAMP = (slice(20, 50), slice(30, 50))
"""Where a red lamp stands."""


def photograph() -> np.ndarray:
    picture = np.full((HIGH, WIDE, 3), 120, np.uint8)
    picture[LAMP] = (200, 30, 30)
    return picture


def truth() -> np.ndarray:
    labels = np.zeros((HIGH, WIDE), np.uint8)
    labels[LAMP] = rendered.LAMP
    labels[:10, 60:] = BEYOND
    labels[55:] = UNKNOWN
    return labels


def write_photographs(folder: Path, size: tuple[int, int] = (HIGH, WIDE)) -> None:
    """A shard of photographs, the last one not labelled."""
    (folder / "labels").mkdir(exist_ok=True)
    rows, columns = size
    with tarfile.open(folder / "scenes-000.tar", "w") as tar:
        for key in KEYS:
            add_picture(tar, f"{key}.webp", photograph()[:rows, :columns], "WEBP", lossless=True)
    for key in KEYS[:-1]:
        Image.fromarray(truth()[:rows, :columns]).save(folder / "labels" / f"{key}.png")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with such a shard."""
    monkeypatch.setattr(photographs, "LABELS", tmp_path / "labels")
    write_photographs(tmp_path)
    return tmp_path


def test_every_labelled_photograph_is_either_learnt_from_or_held_out(data: Path) -> None:
    learnt, kept = ([one.key for one in photographs.pictures(data, learnt=which)] for which in (True, False))
    assert learnt and kept and sorted(learnt + kept) == KEYS[:-1]


def test_shipped_labels_know_only_the_kinds_there_are_and_some_are_held_out() -> None:
    found = sorted(photographs.LABELS.glob("*.png"))
    assert len(found) > 100
    for path in found:
        labels = read_labels(path, (256, 256))
        assert set(np.unique(labels).tolist()) <= set(label_edits.KINDS.values())
    kept = [path for path in found if photographs.held_out(path.stem)]
    assert len(found) > 4 * len(kept) > 40


def test_what_is_learnt_is_what_is_labelled_and_nothing_beyond(data: Path) -> None:
    canvases = pack(photographs.learnt_from(data), 90, kind=interiors.Rooms, label=interiors.room_codes)
    sizes = {name: len(canvases.group(name)) for name in canvases.GROUPS if len(canvases.group(name))}
    assert sizes == {"photographs": len(canvases)}
    target, weight = canvases.planes(canvases.group("photographs")).chunk(2, 1)
    assert (target[:, 0, 20:50, 30:50] == 1).all() and float(target[:, 0].sum()) == 600 * len(canvases)
    assert not weight[:, :, :10, 60:90].any() and not weight[:, :, 55:].any() and weight[:, :, 30, 10].all()
    assert not set(canvases.keys) & set(KEYS)
    split_of(canvases.keys, ["furn_tr_00000"])
    assert len(list(photographs.learnt_from(data, 2))) == 2


def test_labelled_photographs_are_no_scenes_and_no_teachers(data: Path, tmp_path: Path) -> None:
    furniture_shard(data / "interiors-000.tar", {f"furn-{n}": 1 for n in range(6)})
    furniture_shard(data / "people-000.tar", {"voc-1": 9, "vocneg-2": None})
    furniture_shard(tmp_path / "taught.tar", dict.fromkeys(KEYS, 9))
    for teacher in (None, tmp_path / "taught.tar"):
        found = load_furniture(Sources(data, 48, teacher=teacher, photographs=data))
        places = [key for key in found.keys if shards.source(key) == "places"]
        assert set(places) == {KEYS[-1]}
        learnt = [key for key in found.keys if shards.source(key) == photographs.SOURCE]
        assert learnt and not any(photographs.held_out(key.partition("_")[2]) for key in learnt)


def test_edits_are_in_pixels_of_the_sheet_and_do_not_wrap() -> None:
    draft = np.zeros((HIGH, WIDE), np.uint8)
    box = [[30, 60], [90, 60], [90, 120], [30, 120]]
    over = [[255, 0], [300, 0], [300, 60], [255, 60]]
    pole = [[150, 60], [155, 60], [155, 150], [150, 150]]
    edits = [
        {"polygon": box, "kind": "table"},
        {"polygon": over, "kind": "picture"},
        {"polygon": pole, "kind": "lamp"},
    ]
    labels = label_edits.drawn(draft, json.loads(json.dumps(edits)), label_edits.PHOTOGRAPH)
    table, unknown = labels == rendered.TABLE, labels == UNKNOWN
    assert table[21:40, 11:30].all() and table.sum() == 19 * 19  # corners 9.7 to 29.7, 19.7 to 39.7
    assert unknown[[20, 40], 10:31].all() and unknown[20:41, [10, 30]].all()
    assert (labels[1:19, 86:] == rendered.PICTURE).all() and not labels[:, :9].any()
    assert (labels[20:50, 50] == rendered.LAMP).all()  # too thin for an outline


def test_a_draft_is_what_the_segmenter_calls_furniture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = {name: np.zeros((HIGH, WIDE), np.float32) for name in interiors.CLASSES}
    planes["furniture"][10:50, 10:80] = 0.9
    planes["bed"][10:50, 10:40], planes["tv"][10:50, 10:40] = 0.8, 0.3
    planes["chair"][10:50, 40:60] = label.NAMELESS / 2
    planes["sofa"][52:, :] = 0.9  # no furniture all the same
    monkeypatch.setattr(Segmenter, "probabilities", lambda *_: planes)
    Image.fromarray(photograph()).save(tmp_path / "room.png")
    expected = np.zeros((HIGH, WIDE), np.uint8)
    expected[10:50, 10:40], expected[10:50, 40:80] = rendered.BED, rendered.CABINET
    assert np.array_equal(label.proposed_in_photograph(tmp_path / "room.png"), expected)


def test_a_draft_is_proposed_shown_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(photograph()).save(tmp_path / "room.png")
    words = [str(tmp_path / "room.png"), "--photographs", "--labels", str(tmp_path / "labels")]
    assert label.main(["propose", *words]) == 0
    assert read_labels(tmp_path / "labels" / "room.draft.png", (HIGH, WIDE)).max() < UNKNOWN
    edits = tmp_path / "labels" / "room.edits.json"
    edits.write_text('[{"polygon": [[90, 60], [150, 60], [150, 150], [90, 150]], "kind": "lamp"}]')
    assert label.main(["show", *words]) == 0 and label.main(["draw", *words]) == 0
    labels = read_labels(tmp_path / "labels" / "room.png", (HIGH, WIDE))
    assert (labels[22:48, 32:48] == rendered.LAMP).all()
    shown, done = (
        np.asarray(Image.open(tmp_path / "labels" / f"room-1{end}.png")) for end in ("-labels", "-drawn")
    )
    assert shown.shape == done.shape == (3 * HIGH, 6 * WIDE, 3) and not np.array_equal(shown, done)
    Image.fromarray(truth()[:, :40]).save(tmp_path / "labels" / "room.draft.png")
    assert label.main(["draw", *words]) == 2 and "label is 8-bit, 90x90" in capsys.readouterr().err


class _Half:
    """Finds the upper half of the lamp, and something that is none, which is larger in one photograph."""

    def product(self, name: str) -> object:
        def find(rgb: np.ndarray) -> np.ndarray:
            assert name == "furniture" and rgb.shape == (HIGH, WIDE, 3)
            found = np.zeros((HIGH, WIDE), bool)
            found[20:35, 30:50] = found[40:50, 60:90] = True
            found[55:] = found[:10, 60:] = True  # unknown and beyond: do not count
            return found

        return find


def test_figures_are_those_of_the_labels(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluate_photographs, "open_segmenter", lambda *_: _Half())
    kept = [key for key in KEYS[:-1] if photographs.held_out(key)]
    bare = truth()
    bare[LAMP] = 0
    Image.fromarray(bare).save(photographs.LABELS / f"{kept[-1]}.png")
    words = ["photographs", "--data", str(data), "--out", str(tmp_path / "out"), "--plates", "1"]
    assert evaluate.main(words) == 0
    printed = capsys.readouterr().out
    assert f"{len(kept)} photographs" in printed and shards.fingerprint(kept) in printed
    full = len(kept) - 1  # 300 of 300 + 300 + 300 texels, and 600 where there is none
    assert f"| Vanisher, furniture | {300 * full / (900 * full + 600):.3f} " in printed
    assert "that was found: 0.500" in printed
    assert f"that is furniture: {300 * full / (600 * full + 600):.3f}" in printed
    assert f"| lamp | {full} | 0.50 " in printed
    rows = (tmp_path / "out" / "photographs.csv").read_text()
    assert f"{kept[0]},600,300,300" in rows and f"{kept[-1]},0,0,600" in rows
    assert len(list((tmp_path / "out" / "plates").iterdir())) == 1
    assert evaluate.main(["photographs", "--data", str(tmp_path / "nowhere")]) == 2


def test_weights_that_find_something_else_are_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    person = str(REPOSITORY / "vanisher_core" / "models" / "weights" / "segment-person.safetensors")
    assert evaluate.main(["photographs", "--data", str(data), "--weights", person]) == 2
    assert "finds person, not furniture" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(6))
def test_a_photograph_is_pasted_upright_as_a_camera_sees_it(seed: int) -> None:
    side, rows, columns = 64, 256, 512
    line = torch.linspace(0, 1, side)
    ramps = torch.stack([line.expand(side, side), line[:, None].expand(side, side), torch.zeros(side, side)])
    picture, labels = (ramps * 100).byte(), torch.zeros(side, side, dtype=torch.uint8)
    labels[: side // 2] = rendered.LAMP  # the upper half
    rgb, classes = torch.full((3, rows, columns), -1.0), torch.full((rows, columns), rendered.BED)
    pasted._paste(rgb, classes, picture, labels, np.random.default_rng(seed))
    inside = rgb[2] >= 0
    assert torch.equal(inside, classes != rendered.BED) and (classes[inside] == UNKNOWN).any()
    row, column = (int(at.median()) for at in torch.nonzero(inside, as_tuple=True))
    middle = inside.any(1).nonzero().flatten()
    pitch = 90 - (float(middle.float().mean()) + 0.5) * 180 / rows
    assert pasted.PITCH[0] - 3 < pitch < pasted.PITCH[1] + 3
    width = int(inside[row].sum()) * 360 / columns
    assert pasted.FIELD[0] - 4 < width < pasted.FIELD[1] + 8  # wider in degrees of yaw off the horizon
    upright = rgb[1, :, column][inside[:, column]]
    assert (upright.diff() >= -1e-3).all() and upright[-1] > 3 * upright[0].clamp_min(0.05)
    across = rgb[0, row].roll(columns // 2 - column)[inside[row].roll(columns // 2 - column)].diff()
    assert (across >= -1e-3).all() or (across <= 1e-3).all()
    sure = inside & (classes != UNKNOWN)
    upper = rgb[1] < 0.5 * rgb[1][inside].max()
    assert ((classes == rendered.LAMP) == upper)[sure].float().mean() > 0.97


def test_photographs_are_learnt_from_where_they_are_pasted(data: Path, tmp_path: Path) -> None:
    rooms = room_furniture.load(write_rooms(tmp_path / "rooms", [box(1, 2, 1, 2)], 20, 128), 128)
    assert not (rooms.classes == rendered.LAMP).any()
    source = pasted.load(data, 32)
    assert sorted(source.keys) == [one.key for one in photographs.pictures(data, learnt=True)]
    for share in (0.0, 1.0):
        config = furniture.Config(size=64, batch=6, pasted=share)
        batch = furniture.mixed(rooms, None, source, config, np.random.default_rng(0))
        lamps = (batch.classes == rendered.LAMP).flatten(1).any(1)
        assert lamps.all() if share else not lamps.any()
        for rgb, kinds in zip(batch.rgb, batch.classes, strict=True):
            red = rgb[:, kinds == rendered.LAMP]
            assert not red.numel() or (red[0] > 2 * red[1]).float().mean() > 0.9
    plain = furniture.mixed(rooms, None, None, furniture.Config(size=64, batch=2), np.random.default_rng(0))
    assert plain.rgb.shape == (2, 3, 64, 128)


def test_a_room_network_says_which_photographs_it_has_learnt_from(data: Path, tmp_path: Path) -> None:
    rooms = write_rooms(tmp_path / "rooms", [box(1, 2, 1, 2), box(2, 1, 2, 1)], 20, 128)
    config = furniture.Config(
        rooms=rooms, out=tmp_path / "run", steps=1, batch=2, size=64, warmup=1, every=1, photographs=data
    )
    furniture.train(config)
    with safe_open(config.out / "room-furniture.safetensors", framework="pt") as file:
        note = json.loads(file.metadata()["training"])
    learnt = [one.key for one in photographs.pictures(data, learnt=True)]
    assert note["others"] == len(learnt) and note["split"] == shards.fingerprint(learnt)
    with pytest.raises(ValueError, match="pasted=2"):
        furniture.train(furniture.Config(rooms=rooms, out=tmp_path / "none", photographs=data, pasted=2.0))
    for path in photographs.LABELS.iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="labelled"):
        pasted.load(data, 32)


def test_only_squares_are_pasted(data: Path) -> None:
    write_photographs(data, (60, 90))
    with pytest.raises(ValueError, match="90x60"):
        pasted.load(data, 32)
