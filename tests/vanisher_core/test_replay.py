"""`vanisher replay`: the same bytes from the receipt alone, and a plain word on what differs if not."""

import dataclasses
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.vanisher_core.disclosure_files import disc, pixels, signing_chain, write_inputs
from tests.vanisher_core.test_disclosure import erase
from vanisher_core import Mask, Photo, cli
from vanisher_core.errors import InputError
from vanisher_core.receipt import FORMAT, LabelRecord, Receipt
from vanisher_core.replay import PhotoKind, beside, load, replay


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_the_same_bytes_come_out_again(tmp_path: Path, capsys, name: str) -> None:
    photo, mask = write_inputs(tmp_path, name)
    assert erase(photo, mask, "--disclose", "--label", "Altered", "--seed", 9, "--feather", 1) == 0
    photo.unlink()
    mask.unlink()
    assert run("replay", tmp_path / "a.receipt.json", "-o", tmp_path / "again") == 0
    assert "the same bytes" in capsys.readouterr().out
    assert (tmp_path / "again").read_bytes() == (tmp_path / name.replace(".", ".vanished.")).read_bytes()


def test_a_network_and_a_fitted_mask_replay_too(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path)
    Image.fromarray(disc()).resize((48, 32)).save(mask)
    words = ("erase", photo, "--mask", mask, "--fit-mask", "--disclose", "--device", "cpu")
    assert run(*words) == 0
    receipt, kind = load(tmp_path / "a.receipt.json")
    assert receipt.weights and receipt.files.source_type.endswith("compositeWithTrainedAlgorithmicMedia")
    found = replay(receipt, kind, Photo.open(photo), Mask.open(tmp_path / "a.mask.png"))
    assert found.same and found.bytes and not found.differences


def test_a_plain_receipt_finds_its_files_and_another_format_replays(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "-o", tmp_path / "b.png", "--receipt", tmp_path / "r.json") == 0
    assert run("replay", tmp_path / "r.json") == 0


def test_a_signed_result_replays_to_the_bytes_before_its_signature(tmp_path: Path, capsys) -> None:
    pytest.importorskip("c2pa")
    photo, mask = write_inputs(tmp_path)
    chain, key, _ = signing_chain(tmp_path)
    assert erase(photo, mask, "--c2pa-cert", chain, "--c2pa-key", key) == 0
    assert run("replay", tmp_path / "a.receipt.json") == 0
    assert "before the signature" in capsys.readouterr().out


def test_what_differs_is_named(tmp_path: Path, capsys) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "--disclose") == 0
    path = tmp_path / "a.receipt.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values |= {"seed": 1, "vanisher": "0.0.9", "weights": {"gone": "ab" * 32}}
    values["environment"] |= {"threads": "64"}
    path.write_text(json.dumps(values), encoding="utf-8")
    assert run("replay", path) == 1
    told = capsys.readouterr().out
    assert "DIFFERENT" in told
    for words in ("0.0.9 then", "weights gone: abababab", "threads: 64 then"):
        assert words in told
    assert run("replay", path, "--json") == 1
    assert json.loads(capsys.readouterr().out)["same"] is False


def test_another_photograph_or_mask_is_refused(tmp_path: Path, capsys) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "--disclose") == 0
    other = tmp_path / "other.png"
    Image.fromarray(255 - pixels()).save(other)
    Image.fromarray(~disc()).save(tmp_path / "n.png")
    assert run("replay", tmp_path / "a.receipt.json", "--photo", other) == 2
    assert "--photo" in capsys.readouterr().err
    assert run("replay", tmp_path / "a.receipt.json", "--mask", tmp_path / "n.png") == 2
    assert "--mask" in capsys.readouterr().err


def test_missing_files_and_unknown_receipts_are_said(tmp_path: Path, capsys) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "--receipt", tmp_path / "r.json") == 0
    mask.unlink()
    assert run("replay", tmp_path / "r.json") == 2
    assert "m.png is not beside" in capsys.readouterr().err
    assert run("replay", tmp_path / "none.json") == 2
    (tmp_path / "k.json").write_text('{"format": 2, "kind": "hologram"}', encoding="utf-8")
    with pytest.raises(InputError, match="hologram"):
        load(tmp_path / "k.json")
    assert beside(tmp_path, "../a.jpg", "sub/a.jpg", None, "a.jpg") == tmp_path / "a.jpg"


def test_receipts_of_the_first_format_are_read(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "--receipt", tmp_path / "r.json") == 0
    values = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    del values["files"], values["environment"]
    old = Receipt.from_json(json.dumps(values | {"format": 1}))
    assert (old.format, FORMAT, old.files, old.environment) == (1, 2, None, {})
    found = replay(old, PhotoKind(), Photo.open(photo), Mask.open(mask))
    assert found.same and found.bytes is None and not found.differences


def test_the_record_of_a_label_survives_json(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "--label", "Altered") == 0
    receipt, _ = load(tmp_path / "a.receipt.json")
    assert isinstance(receipt.files.label, LabelRecord) and isinstance(receipt.files.label.box, tuple)
    assert Receipt.from_json(dataclasses.replace(receipt).to_json()) == receipt
