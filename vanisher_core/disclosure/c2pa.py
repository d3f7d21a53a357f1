"""C2PA content credentials: a signed manifest in the result that says what was done to which original.

Made by the official library (`c2pa-python`, extra `c2pa`), which is imported only when a signature is asked for.
The manifest (C2PA 2.2 and later) holds:

- `c2pa.opened` with the original as `parentOf` ingredient; if that has content credentials, they stay in the chain;
- `c2pa.edited` with the IPTC digital source type. Not `c2pa.removed`: that means the removal of an ingredient that
  had been placed before, and an erased sofa was none;
- `c2pa.edited` once more for a visible label;
- `c2pa.ai-disclosure` (2.4) with name and hash of each network that took part; none without one.

Nothing is said about training or data mining (`cawg.training-mining`): that is the owner's word to give. No
network: no timestamp authority, no revocation lists, no remote manifests.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from vanisher_core import __version__
from vanisher_core.codecs import sniff
from vanisher_core.disclosure.source import RETOUCHED
from vanisher_core.errors import OutputError, UsageError
from vanisher_core.photo import Photo
from vanisher_core.receipt import Files

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "TIFF": "image/tiff", "WEBP": "image/webp"}
SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
"""Thumbnails would be lossy copies of pictures that lie beside the result anyway."""
UNTRUSTED = "signingCredential.untrusted"
GENERATOR = {"name": "Vanisher", "version": __version__}


@dataclass(frozen=True)
class Signed:
    """A signed file and remarks."""

    data: bytes
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a reader finds in a file.

    Attributes:
        state: "Invalid", "Valid" (whole, by a certificate that this machine does not know) or "Trusted".
        problems: codes of the C2PA specification for all that is wrong, trust apart.
        signer: name in the certificate.
        content: the active manifest as the library gives it.
    """

    state: str
    problems: tuple[str, ...]
    signer: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Credentials:
    """Who signs: a certificate chain (leaf first) and the leaf's private key, both PEM files.

    The leaf needs the key usage digitalSignature and an extended key usage that C2PA allows, such as e-mail
    protection; it must not be the self-signed root itself.
    """

    certificate: Path
    key: Path

    def check(self) -> None:
        """Signs a picture of one pixel, so that a bad certificate is known before any work.

        Raises:
            UsageError: nothing can be signed with these files, or what is signed does not read back.
        """
        dot = Photo.from_array(np.zeros((1, 1, 3), np.uint8)).to_bytes("PNG")
        files = Files("dot.png", "dot.png", "PNG", original="dot.png", source_type=RETOUCHED)
        try:
            self.signed(dot, files, dot, SimpleNamespace(mask_sha256="", weights={}))
        except OutputError as error:
            raise UsageError(str(error)) from None

    def signed(self, data: bytes, files: Files, original: bytes, receipt: Any) -> Signed:
        """Signs a finished file and reads the manifest back.

        Args:
            data: the result's bytes.
            files: names, source type and label of the result.
            original: bytes of the photograph before.
            receipt: of the erasure.

        Raises:
            UsageError: the certificate or key cannot be used.
            OutputError: the library cannot write the manifest, or does not accept what it wrote.
        """
        c2pa = _library()
        sink = io.BytesIO()
        definition = _definition(files, receipt)
        ingredient = {"title": files.original, "relationship": "parentOf", "label": "original"}
        try:
            with (
                c2pa.Context.from_dict(SETTINGS) as context,
                self._signer() as signer,
                c2pa.Builder(definition, context=context) as builder,
            ):
                builder.add_ingredient(ingredient, MEDIA_TYPES[sniff(original)], io.BytesIO(original))
                builder.sign(signer, MEDIA_TYPES[files.format], io.BytesIO(data), sink)
        except c2pa.C2paError as error:
            raise OutputError(
                f"The C2PA manifest could not be made ({error}): check --c2pa-cert, which must be a chain, leaf "
                "first, whose leaf may sign C2PA claims; nothing was written."
            ) from None
        found = read(sink.getvalue())
        if found is None or found.problems:
            raise OutputError(
                f"The C2PA manifest does not read back whole ({', '.join(found.problems if found else ())}): "
                "nothing was written. Check the validity of --c2pa-cert."
            )
        note = f"signed with C2PA by {found.signer}"
        if found.state != "Trusted":
            note += "; readers that do not know this certificate will say so"
        return Signed(sink.getvalue(), (note,))

    def _signer(self) -> Any:
        c2pa = _library()
        chain, key = _text(self.certificate), _text(self.key)
        try:
            return c2pa.Signer.from_info(c2pa.C2paSignerInfo(_algorithm(key, self.key), chain, key, None))
        except c2pa.C2paError as error:
            raise UsageError(
                f"Nothing can be signed with {self.certificate} and {self.key} ({error}): give a PEM chain, leaf "
                "first, and the leaf's key."
            ) from None


def read(data: bytes, anchors: str = "") -> Manifest | None:
    """The content credentials in a file, validated; None without any.

    Args:
        data: the file.
        anchors: PEM of certificate authorities to trust beside the library's own.

    Raises:
        UsageError: the library is not installed.
    """
    c2pa = _library()
    settings: dict[str, Any] = dict(SETTINGS)
    if anchors:
        settings["trust"] = {"user_anchors": anchors}
    with c2pa.Context.from_dict(settings) as context:
        reader = c2pa.Reader.try_create(MEDIA_TYPES[sniff(data)], io.BytesIO(data), context=context)
        if reader is None:
            return None
        with reader:
            results = reader.get_validation_results() or {}
            active = results.get("activeManifest", {})
            content = reader.get_active_manifest() or {}
            codes = tuple(found["code"] for found in active.get("failure", ()) if found["code"] != UNTRUSTED)
            signer = content.get("signature_info", {})
            return Manifest(
                reader.get_validation_state() or "Invalid",
                codes,
                signer.get("common_name") or signer.get("issuer") or "unknown",
                content,
            )


def _definition(files: Files, receipt: Any) -> dict[str, Any]:
    """The manifest, as the library takes it."""
    edited = {
        "action": "c2pa.edited",
        "softwareAgent": GENERATOR,
        "digitalSourceType": files.source_type,
        "description": f"Things were erased and filled in, inside the mask of SHA-256 {receipt.mask_sha256}.",
    }
    actions = [{"action": "c2pa.opened", "parameters": {"ingredientIds": ["original"]}}, edited]
    if files.label:
        text = f"A visible label was drawn: {files.label.text}"
        actions.append({"action": "c2pa.edited", "softwareAgent": GENERATOR, "description": text})
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]
    for name, digest in sorted(receipt.weights.items()):
        model = {"modelType": "c2pa.types.model.pytorch", "modelName": name}
        data = {**model, "modelIdentifier": f"sha256:{digest}"}
        assertions.append({"label": "c2pa.ai-disclosure", "data": data})
    return {
        "claim_generator_info": [GENERATOR],
        "title": files.output,
        "format": MEDIA_TYPES[files.format],
        "assertions": assertions,
    }


def _library() -> Any:
    try:
        import c2pa
    except ImportError:
        raise UsageError(
            "Content credentials need the library c2pa-python, which is not installed: pip install 'vanisher[c2pa]'."
        ) from None
    return c2pa


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): give a PEM file.") from None


def _algorithm(key: bytes, path: Path) -> str:
    """C2PA's name for what this key signs with."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{path} is no private key in PEM without a passphrase ({error}): 'openssl pkcs8' makes one."
        ) from None
    if isinstance(private, ec.EllipticCurvePrivateKey):
        name = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}.get(private.curve.name)
        if name:
            return name
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    raise UsageError(f"{path} is a key that C2PA does not know: use EC P-256, P-384, P-521, Ed25519 or RSA.")
