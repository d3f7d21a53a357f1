"""`--disclose`: the original kept and never overwritten, the result marked, the change shown, the pixels exact."""

import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.vanisher_core.disclosure_files import XMP, disc, pixels, signing_chain, write_inputs
from vanisher_core import Mask, Photo, Vanisher, cli
from vanisher_core.disclosure import Label, Wish, disclose, source, xmp
from vanisher_core.errors import OutputError
from vanisher_core.receipt import Receipt, file_digest, pixel_digest

NAMES = ("a.jpg", "a.png", "a.tif", "a.webp")


def erase(photo: Path, mask: Path, *words: object) -> int:
    return cli.main(
        [str(w) for w in ("erase", photo, "--mask", mask, "--model", "exemplar", "--grow", 2, *words)]
    )


def test_the_whole_pack_is_written_and_the_original_kept(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path, "ü b.jpg", quality=90)
    before = photo.read_bytes()
    assert erase(photo, mask, "--disclose") == 0
    names = {path.name for path in tmp_path.iterdir()} - {"ü b.jpg", "m.png"}
    assert names == {
        "ü b.vanished.jpg", "ü b.original.jpg", "ü b.mask.png", "ü b.overlay.jpg", "ü b.disclosure.html",
        "ü b.receipt.json",
    }  # fmt: skip
    assert photo.read_bytes() == before == (tmp_path / "ü b.original.jpg").read_bytes()
    receipt = Receipt.from_json((tmp_path / "ü b.receipt.json").read_text(encoding="utf-8"))
    assert receipt.files and receipt.files.original == "ü b.original.jpg" and receipt.files.format == "JPEG"
    assert receipt.input_file_sha256 == file_digest(before)
    assert receipt.output_file_sha256 == file_digest(tmp_path / "ü b.vanished.jpg")
    assert receipt.mask_sha256 == pixel_digest(Mask.open(tmp_path / "ü b.mask.png").array)
    packet = Photo.open(tmp_path / "ü b.vanished.jpg").metadata.xmp
    assert packet and b"A. Photographer" in packet and receipt.mask_sha256.encode() in packet
    assert xmp.source_of(packet) == receipt.files.source_type == source.RETOUCHED


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("label", [None, Label("Altered", "top-left", 0.2)])
def test_outside_mask_and_label_every_sample_is_the_originals(tmp_path: Path, dtype, label) -> None:
    photo = Photo.from_array(pixels(dtype=dtype))
    file = tmp_path / "a.tif"
    photo.save(file)
    photo, mask = Photo.open(file), Mask.from_array(disc())
    result = Vanisher(device="cpu").erase(photo, mask, model="exemplar")
    target = tmp_path / "b.tif"
    done = disclose(Wish(label=label), photo=photo, result=result, mask=mask, source=file, target=target)
    free = result.mask_used.array == 0
    if label:
        left, top, right, bottom = done.receipt.files.label.box
        free[top:bottom, left:right] = False
    assert 0.7 < free.mean() < 1
    written = Photo.open(target)
    assert written.array.dtype == dtype and np.array_equal(written.array[free], photo.array[free])


def test_a_second_run_needs_no_other_original_and_never_touches_another(tmp_path: Path, capsys) -> None:
    photo, mask = write_inputs(tmp_path, "a.png")
    assert erase(photo, mask, "--disclose") == 0
    pack = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert erase(photo, mask, "--disclose") == 2  # the result exists
    assert erase(photo, mask, "--disclose", "--overwrite") == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == pack
    stranger = tmp_path / "a.original.png"
    stranger.write_bytes(b"another photograph")
    assert erase(photo, mask, "--disclose", "--overwrite") == 2
    assert stranger.read_bytes() == b"another photograph"
    assert "never overwritten" in capsys.readouterr().err
    assert (tmp_path / "a.vanished.png").read_bytes() == pack["a.vanished.png"]


def test_an_original_that_is_kept_already_can_be_the_input(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path, "a.png")
    kept = photo.rename(tmp_path / "a.original.png")
    assert erase(kept, mask, "--disclose", "-o", tmp_path / "a.vanished.png") == 0
    assert not (tmp_path / "a.png").exists()


def test_without_a_change_there_is_nothing_to_disclose(tmp_path: Path, capsys) -> None:
    photo, mask = write_inputs(tmp_path)
    Image.new("L", (96, 64)).save(mask)
    assert erase(photo, mask, "--disclose", "--label", "Altered") == 0
    assert (tmp_path / "a.vanished.jpg").read_bytes() == photo.read_bytes()
    assert "nothing to disclose" in capsys.readouterr().err


def test_without_disclosure_metadata_stay_as_they_were(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path)
    assert erase(photo, mask, "--receipt", tmp_path / "r.json") == 0
    assert Photo.open(tmp_path / "a.vanished.jpg").metadata.xmp == XMP
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a.vanished.jpg", "m.png", "r.json"]
    files = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["files"]
    assert files["mask"] == "m.png" and files["original"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--label-place", "ahead"), "need --label"),
        (("--label", ""), "one line"),
        (("--c2pa-cert", "c.pem"), "needs both"),
        (("--label", "a" * 100), "too small"),
        (("--c2pa-cert", "c.pem", "--c2pa-key", "k.pem"), "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(tmp_path: Path, capsys, words, said) -> None:
    photo, mask = write_inputs(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert erase(photo, mask, *words) == 2
    assert said in capsys.readouterr().err and sorted(tmp_path.iterdir()) == before


def test_xmp_too_long_for_a_jpeg_is_said(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path)
    long = XMP.replace(b"A. Photographer", b"x" * 64_700)
    full = Photo.open(photo).with_xmp(long)
    (tmp_path / "a.jpg").write_bytes(full.with_array(pixels()).to_bytes())
    with pytest.raises(OutputError, match="JPEG segment holds"):
        full.with_xmp(long + b" " * 2000)
    assert erase(photo, mask, "--disclose") == 1
    assert not (tmp_path / "a.vanished.jpg").exists()


class _Page(html.parser.HTMLParser):
    """What a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.alternatives: list[str] = []
        self.ranges = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [values["href"] or ""] if "href" in values else []
        self.sources += [values["src"] or ""] if "src" in values else []
        self.alternatives += [values.get("alt") or ""] if tag == "img" else []
        self.ranges += values.get("type") == "range"


def test_the_page_is_whole_in_itself_and_escapes_names(tmp_path: Path) -> None:
    photo, mask = write_inputs(tmp_path, "a<b>&'{{before}}.jpg")
    assert erase(photo, mask, "--disclose", "--label", "Altered <b>") == 0
    text = next(tmp_path.glob("*.html")).read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert len(page.sources) == 3 and all(link.startswith("data:image/jpeg;base64,") for link in page.sources)
    assert all(page.alternatives) and page.ranges == 1
    assert not re.search(r"https?://", text) and "<b>" not in text
    assert page.links[0] == "a%3Cb%3E%26%27%7B%7Bbefore%7D%7D.original.jpg"


def test_exiftool_reads_all_that_was_written_without_a_warning(tmp_path: Path) -> None:
    if not shutil.which("exiftool"):
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    files = []
    for name in NAMES:
        folder = tmp_path / name
        folder.mkdir()
        photo, mask = write_inputs(folder, name)
        once, twice = folder / name.replace(".", ".vanished."), folder / f"2{name}"
        assert erase(photo, mask, "--disclose", "--label", "Ä & ß") == 0
        assert erase(once, mask, "--disclose", "-o", twice) == 0
        files += [str(once), str(twice)]
    asked = [
        "exiftool",
        "-q",
        "-validate",
        "-warning",
        "-error",
        "-a",
        "-G1",
        "-struct",
        "-j",
        "-XMP:all",
        *files,
    ]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=120)
    records: list[dict[str, Any]] = json.loads(shown.stdout)
    assert len(records) == 8 and not shown.stderr.strip()
    for record in records:
        assert record["ExifTool:Validate"] == "OK" and "ExifTool:Warning" not in record
        assert record["XMP-iptcExt:DigitalSourceType"] == source.RETOUCHED
        assert record["XMP-dc:Creator"] == ["A. Photographer"]
        edits, history = record["XMP-vanisher:Edits"], record["XMP-xmpMM:History"]
        assert len(edits) == len(history) == (2 if "/2a" in record["SourceFile"] else 1)
        assert edits[0]["Label"] == "Ä & ß" and len(edits[0]["MaskSHA256"]) == 64
        assert history[0]["Action"] == "edited" and history[0]["SoftwareAgent"].startswith("Vanisher")


@pytest.mark.parametrize("spoil", ["self-signed root", "expired"])
def test_a_certificate_that_may_not_sign_is_refused_before_any_work(
    tmp_path: Path, capsys, spoil: str
) -> None:
    pytest.importorskip("c2pa")
    photo, mask = write_inputs(tmp_path)
    chain, key, authority = signing_chain(tmp_path, days=-1 if spoil == "expired" else 30)
    if spoil != "expired":
        chain.write_text(authority, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    assert erase(photo, mask, "--c2pa-cert", chain, "--c2pa-key", key) == 2
    assert "--c2pa-cert" in capsys.readouterr().err and sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_signed_result_is_valid_for_the_library_and_names_its_original(tmp_path: Path, name: str) -> None:
    pytest.importorskip("c2pa")
    from vanisher_core.disclosure import c2pa

    photo, mask = write_inputs(tmp_path, name)
    chain, key, authority = signing_chain(tmp_path, "P-384" if name == "a.png" else "P-256")
    assert erase(photo, mask, "--c2pa-cert", chain, "--c2pa-key", key, "--label", "Altered") == 0
    data = (tmp_path / name.replace(".", ".vanished.")).read_bytes()
    found, trusted = c2pa.read(data), c2pa.read(data, authority)
    assert found and trusted
    assert (found.state, trusted.state, trusted.problems) == ("Valid", "Trusted", ())
    assert trusted.signer == "Test signer"
    ingredient = trusted.content["ingredients"][0]
    assert ingredient["relationship"] == "parentOf" and ingredient["title"] == name.replace(".", ".original.")
    actions = trusted.content["assertions"][0]["data"]["actions"]
    assert [action["action"] for action in actions] == ["c2pa.opened", "c2pa.edited", "c2pa.edited"]
    assert actions[1]["digitalSourceType"] == source.RETOUCHED
    assert not [a for a in trusted.content["assertions"] if a["label"] == "c2pa.ai-disclosure"]  # no network
    signed = Photo.from_bytes(data)
    assert any("credentials" in note for note in signed.notes)
    assert (
        c2pa.read(signed.with_array(255 - signed.array).to_bytes()) is None
    )  # they would vouch for other pixels
    tampered = bytearray(data)
    tampered[len(data) // 2] ^= 1
    broken = c2pa.read(bytes(tampered))
    assert broken is None or broken.problems


def test_networks_are_declared_and_credentials_chain_but_never_go_stale(tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    from vanisher_core.disclosure import c2pa
    from vanisher_core.receipt import Files

    photo, mask = write_inputs(tmp_path)
    chain, key, authority = signing_chain(tmp_path)
    signing = ("--c2pa-cert", chain, "--c2pa-key", key)
    assert erase(photo, mask, *signing) == 0
    first = tmp_path / "a.vanished.jpg"
    assert erase(first, mask, "-o", tmp_path / "plain.jpg", "--seed", 3) == 0
    assert (
        c2pa.read((tmp_path / "plain.jpg").read_bytes()) is None
    )  # the old one would vouch for other pixels
    assert erase(first, mask, *signing, "-o", tmp_path / "b.jpg", "--seed", 3) == 0
    found = c2pa.read((tmp_path / "b.jpg").read_bytes(), authority)
    assert found and found.state == "Trusted" and found.content["ingredients"][0]["active_manifest"]

    class Told:
        mask_sha256 = "ab"
        weights = {"inpaint-small": "cd"}  # noqa: RUF012

    files = Files("a", "b", "JPEG", original="o", source_type=source.GENERATIVE)
    assertions = c2pa._definition(files, Told)["assertions"]
    assert assertions[1] == {
        "label": "c2pa.ai-disclosure",
        "data": {
            "modelType": "c2pa.types.model.pytorch",
            "modelName": "inpaint-small",
            "modelIdentifier": "sha256:cd",
        },
    }
