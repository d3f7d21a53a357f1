"""Panoramas labelled by eye: edits do what they say, held-out homes stay held out, figures are those of the labels."""

import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from panorama import Panorama
from panorama.rooms import classes as rendered
from tests.training.painted_rooms import box, write_rooms
from tests.training.shard_writer import add_picture
from training import evaluate, evaluate_labelled, furniture, label, label_edits
from training.data import interiors, labelled, room_views
from training.data.canvases import pack
from training.data.labels import read_labels
from training.data.room_furniture import BEYOND, UNKNOWN
from vanisher_core import Mask
from vanisher_core.errors import UsageError

WIDE, HIGH = labelled.COLUMNS, labelled.COLUMNS // 2
LEARNT, KEPT, UNLABELLED = "photo_fenson_0", "photo_autokomanda_0", "photo_fenson_1"
SOFA = (slice(256, 400), slice(100, 300))
"""Where a red sofa stands."""


def photograph() -> np.ndarray:
    picture = np.full((HIGH, WIDE, 3), 120, np.uint8)
    picture[SOFA] = (200, 30, 30)
    return picture


def truth() -> np.ndarray:
    labels = np.zeros((HIGH, WIDE), np.uint8)
    labels[SOFA] = rendered.SOFA
    labels[100:200, 600:700] = BEYOND
    labels[480:] = UNKNOWN
    return labels


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a shard of three panoramas, two of them labelled."""
    monkeypatch.setattr(labelled, "LABELS", tmp_path / "labels")
    (tmp_path / "labels").mkdir()
    with tarfile.open(tmp_path / "panoramas-000.tar", "w") as tar:
        for key in (LEARNT, KEPT, UNLABELLED):
            add_picture(tar, f"{key}.webp", photograph(), "WEBP", lossless=True)
    for key in (LEARNT, KEPT):
        cv2.imwrite(str(tmp_path / "labels" / f"{key}.png"), truth())
    return tmp_path


def test_homes_judged_by_eye_and_validation_sources_are_never_learnt_from(data: Path) -> None:
    assert [one.key for one in labelled.pictures(data, learnt=True)] == [LEARNT]
    assert [one.key for one in labelled.pictures(data, learnt=False)] == [KEPT]
    assert labelled.held_out("photo_madridflat_1-salon_4k") and not labelled.held_out(
        "photo_madridflat_6-bao"
    )


def test_shipped_labels_know_only_the_kinds_there_are() -> None:
    found = sorted(labelled.LABELS.glob("*.png"))
    assert len(found) > 40
    for path in found:
        labels = labelled.label_of(path.stem)
        assert labels.shape == (HIGH, WIDE)
        assert set(np.unique(labels).tolist()) <= set(label_edits.KINDS.values())


def test_batches_carry_their_labels_along(data: Path) -> None:
    source = labelled.load(data, 256, learnt=True)
    batch = labelled.draw(source, 12, (64, 128), np.random.default_rng(0))
    assert batch.rgb.shape == (12, 3, 64, 128) and 0 <= float(batch.rgb.min()) <= float(batch.rgb.max()) <= 1
    for rgb, kinds in zip(batch.rgb, batch.classes, strict=True):
        red, sofa = rgb[0] - rgb[1], kinds == rendered.SOFA
        seen = red > (red.max() + red.min()) / 2
        assert float((seen & sofa).sum() / (seen | sofa).sum()) > 0.8  # but for its outline, at this size


def test_pieces_have_numbers_of_their_own_up_to_their_outline() -> None:
    labels = truth()
    labels[300:310, 700:710] = rendered.LAMP
    labels[298:300, 700:710] = UNKNOWN  # its outline
    numbers = labelled.pieces(labels)
    assert len(np.unique(numbers)) == 3 and (numbers[labels == BEYOND] == 0).all()
    assert numbers[299, 705] == numbers[305, 705] != numbers[300, 200] and numbers[500, 500] == 0


def test_pieces_are_painted_and_the_room_is_not(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "REPAINTED", 1.0)
    source, random = labelled.load(data, 256, learnt=True), np.random.default_rng(0)
    plain, sofa = source.pictures[0].float() / 255, source.objects[0] > 0
    colours = set()
    for _ in range(5):
        picture = labelled._painted(source, 0, random)
        assert torch.equal(picture[:, ~sofa], plain[:, ~sofa])
        colours.add(tuple(picture[:, 70, 40].tolist()))
    assert len(colours) == 5


def test_bare_panoramas_are_drawn_seldom_and_give_fewer_views(data: Path) -> None:
    Image.fromarray(np.zeros((HIGH, WIDE), np.uint8)).save(labelled.LABELS / f"{UNLABELLED}.png")
    assert labelled.load(data, 128, learnt=True).weights.tolist() == [1.0, labelled.SELDOM]
    count = {key: sum(key in one.key for one in labelled.views(data, 32)) for key in (LEARNT, UNLABELLED)}
    assert count[LEARNT] > 3 * count[UNLABELLED] > 0


def test_views_show_what_is_labelled_and_nothing_beyond(data: Path) -> None:
    found = list(labelled.views(data, 48))
    assert len(found) == labelled.VIEWS * room_views.COUNT and len({one.key for one in found}) == len(found)
    seen: set[int] = set()
    for one in found:
        assert one.rgb.shape == (48, 48, 3) and one.classes is not None
        codes = interiors.room_codes(one)
        red = one.rgb[..., 0].astype(int) - one.rgb[..., 1] > 100
        assert (red == (codes == interiors.CLASSES.index("sofa"))).mean() > 0.95
        seen |= set(np.unique(codes).tolist())
    assert seen == {interiors.UNKNOWN, interiors.NOTHING, interiors.CLASSES.index("sofa")}


def test_views_are_a_group_of_their_own(data: Path) -> None:
    canvases = pack(labelled.views(data, 32), 32, kind=interiors.Rooms, label=interiors.room_codes)
    sizes = {name: len(canvases.group(name)) for name in canvases.GROUPS if len(canvases.group(name))}
    assert sizes == {"labelled": labelled.VIEWS * room_views.COUNT}


def test_panoramas_are_mixed_in_and_have_a_figure_of_their_own(data: Path, tmp_path: Path) -> None:
    rooms = write_rooms(tmp_path / "rooms", [box(1, 2, 1, 2), box(2, 1, 2, 1)], 20, 128)
    learnt = []
    for share in (0.0, 0.5, 1.0):
        config = furniture.Config(
            rooms=rooms, out=tmp_path / f"run{share}", steps=2, batch=4, size=64, warmup=1, every=2,
            panoramas=data, share=share,
        )  # fmt: skip
        assert 0 <= furniture.train(config)["labelled"] <= 1
        weights = load_file(config.out / "room-furniture.safetensors")
        learnt.append(float(sum(tensor.double().abs().sum() for tensor in weights.values())))
    assert len(set(learnt)) == 3  # from other pictures


def test_a_folder_without_labelled_panoramas_is_refused(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "LABELS", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="labelled"):
        labelled.load(data, 128, learnt=True)


class _Sees(torch.nn.Module):
    """Calls furniture what is red."""

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        red = (rgb[:, :1] - rgb[:, 1:2])[:, :, ::2, ::2] > 0.3
        odds = torch.zeros(len(rgb), BEYOND, *red.shape[2:])
        odds[:, rendered.SOFA], odds[:, 0] = 20.0 * red[:, 0], 20.0 * ~red[:, 0]
        return torch.log_softmax(odds, 1)


def test_agreement_is_one_where_all_is_known(data: Path) -> None:
    for width in (384, 512, 1024):
        assert furniture.agreement(_Sees(), labelled.load(data, width, learnt=False)) > 0.97  # type: ignore[arg-type]


def test_edits_are_carried_out_in_order() -> None:
    draft = np.zeros((HIGH, WIDE), np.uint8)
    draft[100:150, 100:150], draft[200:250, 100:150] = rendered.TV, rendered.LAMP
    _, kinds = label_edits.parts(draft, label_edits.PANORAMA)
    numbers = {kind: number for number, kind in enumerate(kinds, 1)}
    box = [[800, 400], [900, 400], [900, 500], [800, 500]]
    edits = [
        {"drop": [numbers[rendered.TV]]},
        {"kind": [numbers[rendered.LAMP], "plant"]},
        {"polygon": box, "kind": "table"},
        {"polygon": [[2000, 600], [2100, 600], [2100, 700], [2000, 700]], "kind": "rug"},
    ]
    labels = label_edits.drawn(draft, json.loads(json.dumps(edits)), label_edits.PANORAMA)
    assert not labels[100:150, 100:150].any()
    assert (labels[200:250, 100:150] == rendered.PLANT).all()
    assert (labels[206:244, 406:444] == rendered.TABLE).all() and labels[200, 425] == UNKNOWN
    assert (labels[306:344, 1006:] == rendered.RUG).all() and (labels[306:344, :20] == rendered.RUG).all()


@pytest.mark.parametrize(
    "edit",
    [
        5,
        {},
        {"drop": [9]},
        {"drop": [[1]]},
        {"drop": [1], "polygon": []},
        {"kind": [1, "unicorn"]},
        {"polygon": [[1, 2]], "kind": "bed"},
        {"polygon": [[1, 2], [3, "x"], [5, 6]], "kind": "bed"},
        {"polygon": [[1, 2], [3, 1e12], [5, 6]], "kind": "bed"},
    ],
)
def test_edits_that_mean_nothing_are_refused(edit: object) -> None:
    draft = np.zeros((HIGH, WIDE), np.uint8)
    draft[100:150, 100:150] = rendered.TV
    with pytest.raises(UsageError, match=r"parts are 1 to 1|is no polygon"):
        label_edits.drawn(draft, [edit], label_edits.PANORAMA)


def test_what_is_too_small_to_be_numbered_is_unknown_and_a_whole_sphere_has_no_outline() -> None:
    draft = np.zeros((HIGH, WIDE), np.uint8)
    draft[100:103, 100:103] = rendered.TV
    assert (label_edits.drawn(draft, [], label_edits.PANORAMA)[100:103, 100:103] == UNKNOWN).all()
    rug = [[-60, 960], [2100, 960], [2100, 1030], [-60, 1030]]
    labels = label_edits.drawn(draft, [{"polygon": rug, "kind": "rug"}], label_edits.PANORAMA)
    assert (labels[484:] == rendered.RUG).all() and (labels[480] == UNKNOWN).all()


def folder_of_one(folder: Path, edits: str) -> list[str]:
    """A panorama with a draft and edits; the words that draw its label."""
    Image.fromarray(photograph()).save(folder / "room.jpg")
    Image.fromarray(truth()).save(folder / "room.draft.png")
    (folder / "room.edits.json").write_text(edits)
    return ["draw", str(folder / "room.jpg"), "--labels", str(folder), "--out", str(folder / "sheets")]


def test_sheets_are_shown_and_the_label_is_drawn(tmp_path: Path) -> None:
    words = folder_of_one(tmp_path, '[{"kind": [1, "bed"]}]')
    assert label.main(words) == 0 and label.main(["show", *words[1:]]) == 0
    assert read_labels(tmp_path / "room.png", (HIGH, WIDE))[300, 200] == rendered.BED
    clean, marked, done = (
        np.asarray(Image.open(tmp_path / "sheets" / f"room-1{end}.png")) for end in ("", "-labels", "-drawn")
    )
    assert clean.shape == marked.shape == done.shape
    assert not np.array_equal(clean, marked) and not np.array_equal(marked, done)


@pytest.mark.parametrize("edits", ["", "{", '{"drop": [1]}', '[{"drop": [7]}]'])
def test_edits_that_cannot_be_read_name_their_file(
    edits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert label.main(folder_of_one(tmp_path, edits)) == 2
    assert "room.edits.json" in capsys.readouterr().err and not (tmp_path / "room.png").exists()


def test_drafts_that_are_missing_or_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = folder_of_one(tmp_path, "[]")
    for wrong in (truth()[:, :512], truth().astype(np.uint16), np.dstack([truth()] * 3), truth() + 50):
        Image.fromarray(wrong).save(tmp_path / "room.draft.png")
        assert label.main(words) == 2 and "label is 8-bit" in capsys.readouterr().err
    (tmp_path / "room.draft.png").unlink()
    assert label.main(words) == 2 and "propose one first" in capsys.readouterr().err


def test_the_draft_is_what_is_found(tmp_path: Path) -> None:
    Image.fromarray(photograph()).save(tmp_path / "room.png")
    assert label.main(["propose", str(tmp_path / "room.png"), "--labels", str(tmp_path)]) == 0
    assert read_labels(tmp_path / "room.draft.png", (HIGH, WIDE)).max() <= BEYOND


def test_figures_of_a_finder_that_sees_half(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    half = np.zeros((HIGH, WIDE), bool)
    half[256:328, 100:300] = True  # of the sofa's rows
    half[480:] = True  # unknown: does not count

    def find(panorama: Panorama, classes: tuple[str, ...], **options: object) -> dict[str, Mask]:
        return {name: Mask.from_array(half) for name in classes}

    monkeypatch.setattr(evaluate_labelled, "find_in_panorama", find)
    words = ["labelled", "--data", str(data), "--out", str(tmp_path / "out"), "--plates", "1"]
    assert evaluate.main(words) == 0
    printed = capsys.readouterr().out
    rows = np.cos((0.5 - (np.arange(256, 400) + 0.5) / HIGH) * np.pi)
    share = rows[:72].sum() / rows.sum()
    assert f"| {KEPT} | {share:.3f} | {1 - share:.1%} | 0.0% |" in printed and LEARNT not in printed
    assert (tmp_path / "out" / "plates" / f"labelled-00-{KEPT}.png").exists()
    assert evaluate.main(["labelled", "--data", str(tmp_path / "nowhere")]) == 2
