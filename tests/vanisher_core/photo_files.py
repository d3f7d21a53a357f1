"""Source files for the photo tests, written by other libraries than the product's own writers."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image, PngImagePlugin, TiffImagePlugin

ICC = bytes(range(256)) * 3
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:ProjectionType="equirectangular"/>'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def exif_block(orientation=1, order="<", thumbnail=False):
    """An EXIF block: make, orientation, an EXIF and a GPS directory, a maker note, perhaps a thumbnail."""
    image = Image.Exif()
    image.endian = order
    image[271], image[274] = "Vanisher Works", orientation
    image.get_ifd(0x8769).update(
        {
            33434: TiffImagePlugin.IFDRational(1, 250),
            37500: b"maker\0\1\2\3 note",
            36867: "2024:01:02 03:04:05",
        }
    )
    image.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0)})
    block = image.tobytes()[6:]
    if thumbnail:
        first = struct.unpack_from(f"{order}I", block, 4)[0]
        count = struct.unpack_from(f"{order}H", block, first)[0]
        second = len(block) + len(block) % 2
        block = bytearray(block.ljust(second, b"\0"))
        struct.pack_into(f"{order}I", block, first + 2 + 12 * count, second)
        block += struct.pack(f"{order}HHHIII", 1, 513, 4, 1, second + 18, 0) + b"\xff\xd8 old picture"
    return bytes(block)


def noise(shape, dtype="uint8", seed=0):
    """Random samples of a type over its whole range (floats from -1 to 9)."""
    values = np.random.default_rng(seed).random(shape)
    if dtype == "float32":
        return (values * 10 - 1).astype(np.float32)
    return (values * (np.iinfo(dtype).max + 1)).astype(dtype)


def smooth(shape):
    """A smooth 8-bit picture, which JPEG and WebP keep nearly as it is."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [
        128 + 90 * np.sin(x / 17 + c) * np.cos(y / 13 - c) for c in range(shape[2] if len(shape) > 2 else 1)
    ]
    return np.stack(planes, -1).reshape(shape).astype(np.uint8)


def pillow(image, format, **options):
    """The bytes of a Pillow image, or of an array, in a format."""
    sink = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(sink, format, **options)
    return sink.getvalue()


def tiff(array, **options):
    """The bytes of a TIFF by tifffile."""
    sink = io.BytesIO()
    tifffile.imwrite(sink, array, metadata=None, **options)
    return sink.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, rows, before=(), after=()):
    """A PNG by hand: `rows` are packed bytes, chunks are (name, data) before and behind the pixels."""
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), *before]
    parts += [(b"IDAT", zlib.compress(raw)), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*p) for p in parts)


def png_chunks(data):
    """(name, data) of every chunk, IDAT left out."""
    at, found = 8, []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return [c for c in found if c[0] != b"IDAT"]


def png_text():
    """XMP and a plain text chunk for Pillow's PNG writer."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    info.add_text("Comment", "kept")
    return info


def jpeg_segments(data):
    """(marker, payload) of every APP and COM segment."""
    at, found = 2, []
    while data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] >= 0xE0:
            found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found
