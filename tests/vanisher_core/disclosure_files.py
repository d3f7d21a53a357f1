"""What the tests of disclosure share: a photograph with something to erase, and a signing chain of their own."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg">'
    b"<dc:creator><rdf:Seq><rdf:li>A. Photographer</rdf:li></rdf:Seq></dc:creator>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>" + b" " * 400 + b'<?xpacket end="w"?>'
)
"""A packet with an author and room for editing."""


def pixels(height: int = 64, width: int = 96, dtype: Any = np.uint8) -> np.ndarray:
    """A textured RGB picture with a red disc in the middle."""
    rows, columns = np.mgrid[0:height, 0:width]
    wave = 120 + 40 * np.sin(columns / 4) * np.cos(rows / 5)
    picture = wave[..., None] + np.random.default_rng(1).normal(0, 5, (height, width, 3))
    picture[disc(height, width)] = (230, 20, 20)
    picture = np.clip(picture, 0, 255)
    if np.dtype(dtype).kind == "f":
        return (picture / 255).astype(dtype)
    return (picture.astype(np.uint8) * np.array(np.iinfo(dtype).max // 255, dtype)).astype(dtype)


def disc(height: int = 64, width: int = 96) -> np.ndarray:
    """Bool HxW: the disc, off the corners where labels stand."""
    rows, columns = np.mgrid[0:height, 0:width]
    return (rows - height / 3) ** 2 + (columns - width / 3) ** 2 < 36


def write_inputs(folder: Path, name: str = "a.jpg", **options: Any) -> tuple[Path, Path]:
    """A photograph (JPEG, PNG, TIFF or WebP by its name, 300 dpi, XMP) and its mask."""
    photo, mask = folder / name, folder / "m.png"
    image = Image.fromarray(pixels())
    options = {"dpi": (300, 300)} | ({} if name.endswith(".tif") else {"xmp": XMP}) | options
    if name.endswith(".png"):
        from PIL import PngImagePlugin

        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode())
        options["pnginfo"] = info
    if name.endswith(".tif"):
        options["tiffinfo"] = {700: XMP}
    image.save(photo, **options)
    Image.fromarray(disc()).save(mask)
    return photo, mask


def signing_chain(folder: Path, curve: str = "P-256", days: int = 30) -> tuple[Path, Path, str]:
    """A certificate chain as C2PA asks for one (leaf first), the leaf's key, and the PEM of its authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    kind = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1}[curve]()
    authority_key, leaf_key = ec.generate_private_key(kind), ec.generate_private_key(kind)
    now = datetime.datetime.now(datetime.UTC)

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Vanisher's tests"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    def builder(subject: str, key: ec.EllipticCurvePrivateKey, authority: bool) -> x509.CertificateBuilder:
        usages = dict.fromkeys(
            (
                "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
            ),
            False,
        )  # fmt: skip
        usages |= {"key_cert_sign": True, "crl_sign": True} if authority else {"digital_signature": True}
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=9))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.KeyUsage(**usages), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    root = builder("Test authority", authority_key, True).sign(authority_key, hashes.SHA256())
    leaf = (
        builder("Test signer", leaf_key, False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(leaf.public_bytes(pem) + root.public_bytes(pem))
    key.write_bytes(
        leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, key, root.public_bytes(pem).decode()
