"""The page's shapes, pixel by pixel, against geometry written a second time in numpy."""

import base64
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.local_server.page_browser import Client, Daemon, chromium, daemon
from vanisher_core.mask import Mask

__all__ = ["chromium", "daemon"]

WIDTH, HEIGHT = 300, 150

LAB = """async () => {
  const part = (name) => import(`/modules/${name}.js`);
  const [tiles, plane, sphere, png, file] = await Promise.all(
    ['tiles', 'plane', 'spherepaint', 'png', 'maskfile'].map(part));
  const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  const all = (mask) => {
    const bytes = new Uint8Array(mask.width * mask.height);
    for (let y = 0; y < mask.height; y += 1) mask.row(y, bytes.subarray(y * mask.width, (y + 1) * mask.width));
    return text(bytes);
  };
  const paint = {stroke: plane.paintStroke, polygon: plane.paintPolygon, cap: sphere.paintCap,
                 arc: sphere.paintArc, spherePolygon: sphere.paintSpherePolygon};
  window.lab = {
    async shape(width, height, name, args) {
      const mask = new tiles.TiledMask(width, height);
      const edit = mask.edit();
      paint[name](edit, ...args, 255);
      const change = edit.commit();
      const png8 = new Uint8Array(await (await png.encodeMask(mask)).arrayBuffer());
      const painted = all(mask);
      if (change) mask.apply(change, 'before');
      const empty = mask.isEmpty;
      if (change) mask.apply(change, 'after');
      return {painted, png: text(png8), empty, again: all(mask) === painted};
    },
    async file(width, height, base64, type) {
      const mask = new tiles.TiledMask(width, height);
      const edit = mask.edit();
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      await file.mergeMaskFile(edit, new Blob([bytes], {type}));
      edit.commit();
      return all(mask);
    },
  };
}"""


@pytest.fixture(scope="module")
def lab(chromium, daemon: Daemon) -> Iterator[Client]:
    client = Client(chromium, daemon)
    client.page.evaluate(LAB)
    yield client
    client.close()


def array(text: str, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width)


def painted(lab: Client, name: str, *args: object) -> np.ndarray:
    """Bool HxW of one shape; also: its PNG says the same, undo leaves nothing, redo everything."""
    found = lab.page.evaluate(
        "([w, h, name, args]) => lab.shape(w, h, name, args)", [WIDTH, HEIGHT, name, args]
    )
    mask = array(found["painted"])
    assert found["empty"] and found["again"]
    picture = Image.open(BytesIO(base64.b64decode(found["png"])))
    assert picture.mode == "L" and np.array_equal(np.asarray(picture), mask)
    assert set(np.unique(mask)) <= {0, 255}
    return mask > 0


def directions() -> np.ndarray:
    """HxWx3: the way through every pixel's centre."""
    yaw = ((np.arange(WIDTH) + 0.5) / WIDTH - 0.5) * 2 * np.pi
    pitch = (0.5 - (np.arange(HEIGHT) + 0.5) / HEIGHT) * np.pi
    yaw, pitch = np.meshgrid(yaw, pitch)
    return np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=2)


def way(yaw: float, pitch: float) -> list[float]:
    return [float(v) for v in (np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch))]


def winding(points: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Turns of a closed outline round every position, by summed angles."""
    total = np.zeros(x.shape)
    for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
        ux, uy, vx, vy = ax - x, ay - y, bx - x, by - y
        total += np.arctan2(ux * vy - uy * vx, ux * vx + uy * vy)
    return np.rint(total / (2 * np.pi))


positions = st.tuples(st.floats(-40, WIDTH + 40), st.floats(-40, HEIGHT + 40))


@settings(max_examples=15)
@given(a=positions, b=positions, ra=st.floats(0.8, 60), rb=st.floats(0.8, 60))
def test_a_stroke_is_the_hull_of_two_discs(lab: Client, a, b, ra, rb) -> None:
    found = painted(lab, "stroke", a, b, ra, rb)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    # distance from a disc's centre minus its radius is convex along the stroke: least at an end or where it is level
    length, widening = np.hypot(b[0] - a[0], b[1] - a[1]), rb - ra
    shares = [np.zeros_like(x), np.ones_like(x)]
    if abs(widening) < length and length > 1e-6:  # whose square is not 0
        along = ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / length
        across = np.abs((x - a[0]) * (b[1] - a[1]) - (y - a[1]) * (b[0] - a[0])) / length
        level = along + across * widening / np.sqrt(length**2 - widening**2)
        shares.append(np.clip(level / length, 0, 1))
    excess = np.min(
        [
            np.hypot(x - a[0] - share * (b[0] - a[0]), y - a[1] - share * (b[1] - a[1]))
            - ra
            - share * widening
            for share in shares
        ],
        axis=0,
    )
    doubtful = np.abs(excess) < 0.05
    assert np.array_equal(found[~doubtful], (excess <= 0)[~doubtful])


@settings(max_examples=15)
@given(points=st.lists(positions, min_size=3, max_size=9))
def test_a_polygon_has_no_holes(lab: Client, points) -> None:
    found = painted(lab, "polygon", points)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    outline = np.array(points)
    inside = winding(outline, x, y) != 0
    border = np.zeros_like(inside)
    for p, q in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        along = q - p
        length = max(float(along @ along), 1e-12)
        share = (((x - p[0]) * along[0] + (y - p[1]) * along[1]) / length).clip(0, 1)
        border |= np.hypot(x - p[0] - share * along[0], y - p[1] - share * along[1]) < 1e-6
    assert np.array_equal(found[~border], inside[~border])


@settings(max_examples=20)
@given(yaw=st.floats(-3.2, 3.2), pitch=st.floats(-1.57, 1.57), radius=st.floats(0.03, 1.5))
def test_a_cap_is_a_circle_on_the_sphere(lab: Client, yaw, pitch, radius) -> None:
    centre = way(yaw, pitch)
    found = painted(lab, "cap", centre, radius)
    angle = np.arccos((directions() @ np.array(centre)).clip(-1, 1))
    doubtful = np.abs(angle - radius) < 1e-6
    assert np.array_equal(found[~doubtful], (angle <= radius)[~doubtful])


def test_caps_cover_seam_and_poles(lab: Client) -> None:
    seam = painted(lab, "cap", way(np.pi, 0), 0.2)
    assert seam[:, 0].any() and seam[:, -1].any() and not seam[:, WIDTH // 2].any()
    pole = painted(lab, "cap", way(0.3, -np.pi / 2), 0.3)
    assert pole[-1].all() and not pole[0].any()


@settings(max_examples=10)
@given(
    a=st.tuples(st.floats(-3.2, 3.2), st.floats(-1.5, 1.5)),
    b=st.tuples(st.floats(-3.2, 3.2), st.floats(-1.5, 1.5)),
    radius=st.floats(0.05, 0.6),
)
def test_a_stroke_on_the_sphere_follows_the_great_circle(lab: Client, a, b, radius) -> None:
    start, end = np.array(way(*a)), np.array(way(*b))
    angle = np.arccos((start @ end).clip(-1, 1))
    if np.pi - angle < 0.05:
        return  # opposite places have no one way between them
    found = painted(lab, "arc", start.tolist(), end.tolist(), radius, radius)
    ways = directions()
    near = np.full((HEIGHT, WIDTH), -1.0)
    for share in np.linspace(0, 1, 801):  # so near that arcs between them sag by less than 4e-5
        if angle < 1e-6:
            middle = end
        else:
            middle = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
        near = np.maximum(near, ways @ middle)
    distance = np.arccos(near.clip(-1, 1))
    slack = 0.006 * radius + 1e-4
    assert found[distance < radius - slack].all() and not found[distance > radius + 1e-4].any()


@settings(max_examples=15)
@given(
    yaw=st.floats(-3.2, 3.2),
    pitch=st.floats(-1.57, 1.57),
    corners=st.lists(st.tuples(st.floats(-1.2, 1.2), st.floats(-1.2, 1.2)), min_size=3, max_size=8),
)
def test_a_polygon_on_the_sphere(lab: Client, yaw, pitch, corners) -> None:
    forward = np.array(way(yaw, pitch))
    right = np.array([np.cos(yaw), 0, -np.sin(yaw)])
    up = np.cross(forward, right)
    flat = np.array(corners)
    points = forward + flat[:, :1] * right + flat[:, 1:] * up
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    found = painted(lab, "spherePolygon", points.tolist())
    ways = directions()
    depth = ways @ forward
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = ways @ right / depth, ways @ up / depth
    ahead = depth > 1e-6
    inside = ahead & (winding(flat, np.where(ahead, x, 9), np.where(ahead, y, 9)) != 0)
    border = np.zeros_like(inside)
    for p, q in zip(points, np.roll(points, -1, axis=0), strict=True):
        normal = np.cross(p, q)
        if np.linalg.norm(normal) > 1e-9:
            border |= np.abs(ways @ (normal / np.linalg.norm(normal))) < 1e-5
    assert np.array_equal(found[~border], inside[~border])


def test_too_large_a_polygon_is_refused(lab: Client) -> None:
    around = [way(yaw, -0.05) for yaw in np.linspace(0, 2 * np.pi, 9)[:-1]]
    told = lab.page.evaluate(
        "(points) => lab.shape(300, 150, 'spherePolygon', [points]).then(() => '', (e) => e.message)", around
    )
    assert "smaller" in told


def masks() -> dict[str, Image.Image]:
    random = np.random.default_rng(3)
    blob = (random.random((HEIGHT, WIDTH)) > 0.8).astype(np.uint8) * 255
    nothing = np.zeros_like(blob)
    return {
        "grey": Image.fromarray((random.random((HEIGHT, WIDTH)) * 255).astype(np.uint8)),
        "red": Image.fromarray(np.dstack([blob, nothing, nothing])),
        "black on nothing": Image.fromarray(np.dstack([nothing, nothing, nothing, blob])),
        "white on nothing": Image.fromarray(np.dstack([blob, blob, blob, blob])),
        "empty": Image.fromarray(nothing),
    }


@pytest.mark.parametrize("name", list(masks()))
def test_mask_files_are_read_as_the_core_reads_them(lab: Client, name: str) -> None:
    buffer = BytesIO()
    masks()[name].save(buffer, "PNG")
    text = base64.b64encode(buffer.getvalue()).decode()
    found = array(lab.page.evaluate("([w, h, b]) => lab.file(w, h, b, 'image/png')", [WIDTH, HEIGHT, text]))
    assert np.array_equal(found, Mask.from_bytes(buffer.getvalue()).array)
