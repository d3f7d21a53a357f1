"""Pictures of one byte per pixel (0 or 255) as Python's long integers: fast without any library.

A mask of millions of pixels is one integer of as many bytes; `|`, `&`, `^` and shifts of it run at the speed of
memory.
"""

from __future__ import annotations

from math import isqrt

NONZERO = bytes([0]) + bytes([255]) * 255
"""Table for `bytes.translate`: every value but 0 becomes 255."""


def at_least(values: bytes, level: int) -> bytes:
    """255 where a value is at least `level`, else 0."""
    return values.translate(bytes(255 if value >= level else 0 for value in range(256)))


def either(one: bytes, other: bytes) -> bytes:
    """255 where any of two masks has it."""
    return _bytes(_number(one) | _number(other), len(one))


def both(one: bytes, other: bytes) -> bytes:
    """The bitwise and of two pictures: where one of them is 0 or 255, the lesser of both."""
    return _bytes(_number(one) & _number(other), len(one))


def differing(one: bytes, other: bytes, pixel_bytes: int) -> bytes:
    """255 for every pixel in which two pictures of the same layout differ by any bit.

    Args:
        one: pixels without gaps.
        other: of the same layout.
        pixel_bytes: bytes of a pixel.
    """
    different = _bytes(_number(one) ^ _number(other), len(one)).translate(NONZERO)
    result = 0
    for index in range(pixel_bytes):
        result |= _number(different[index::pixel_bytes])
    return _bytes(result, len(one) // pixel_bytes)


def overlaid(below: bytes, above: bytes, mask: bytes, pixel_bytes: int) -> bytes:
    """Pixels of `above` where the mask is 255 and of `below` where it is 0."""
    spread = bytearray(len(mask) * pixel_bytes)
    for index in range(pixel_bytes):
        spread[index::pixel_bytes] = mask
    return _bytes(_number(below) ^ ((_number(below) ^ _number(above)) & _number(spread)), len(below))


def grown(mask: bytes, width: int, radius: int) -> bytes:
    """A mask grown by a disc: every pixel at most `radius` away from a marked one.

    Args:
        mask: 0 or 255, row after row.
        width: pixels of a row.
        radius: in pixels.
    """
    if radius <= 0:
        return mask
    rows = [mask[start : start + width] for start in range(0, len(mask), width)]
    stride = width + radius  # zeros at the end of each row: a shift never reaches a pixel of the next one
    number = _number((bytes(radius)).join(rows))
    result, wide, reached = 0, number, 0
    for away in range(radius, -1, -1):  # rows from far to near: the disc's chord only ever gets longer
        chord = isqrt(radius * radius - away * away)
        while reached < chord:
            reached += 1
            wide |= number << 8 * reached | number >> 8 * reached
        result |= wide << 8 * stride * away | wide >> 8 * stride * away
    padded = result.to_bytes((result.bit_length() + 7) // 8, "little").ljust(stride * len(rows), b"\0")
    return b"".join(padded[stride * row : stride * row + width] for row in range(len(rows)))


def cut(values: bytes, width: int, pixel_bytes: int, box: tuple[int, int, int, int]) -> bytes:
    """The pixels of a box (left, top, right, bottom) of a picture whose rows have `width` pixels."""
    left, top, right, bottom = (part * pixel_bytes for part in box)
    starts = range(top * width, bottom * width, width * pixel_bytes)
    return b"".join(values[start + left : start + right] for start in starts)


def _number(values: bytes | bytearray) -> int:
    return int.from_bytes(values, "little")


def _bytes(number: int, length: int) -> bytes:
    return number.to_bytes(length, "little")
