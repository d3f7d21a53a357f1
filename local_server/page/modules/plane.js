/**
 * Shapes on the flat picture, as spans of whole pixels: a pixel belongs to a shape when its centre does.
 *
 * Painted masks are hard; softening is the core's job, which grows the mask first and fades only inside the ring it added.
 */

/** @typedef {import("./tiles.js").Edit} Edit */
/** @typedef {import("./types.js").Point2} Point2 */

/** A disc of this radius holds at least one pixel centre wherever it lies. */
export const LEAST_RADIUS = Math.SQRT1_2 + 0.01;

/**
 * Paints the convex hull of two discs: one piece of a stroke whose width changes with the pen's pressure.
 *
 * @param {Edit} edit
 * @param {Point2} a
 * @param {Point2} b
 * @param {number} ra radius at a, image pixels
 * @param {number} rb radius at b
 * @param {number} value 255 paints, 0 takes away
 */
export function paintStroke(edit, a, b, ra, rb, value) {
  const first = Math.max(ra, LEAST_RADIUS);
  const second = Math.max(rb, LEAST_RADIUS);
  const sides = tangentQuad(a, b, first, second);
  const top = Math.min(a[1] - first, b[1] - second);
  const bottom = Math.max(a[1] + first, b[1] + second);
  const from = Math.max(0, Math.ceil(top - 0.5));
  const to = Math.min(edit.mask.height - 1, Math.floor(bottom - 0.5));
  for (let y = from; y <= to; y += 1) {
    const range = { low: Infinity, high: -Infinity };
    discRow(range, a, first, y + 0.5);
    discRow(range, b, second, y + 0.5);
    convexRow(range, sides, y + 0.5);
    if (range.low <= range.high) edit.span(y, Math.ceil(range.low - 0.5), Math.floor(range.high - 0.5) + 1, value);
  }
}

/**
 * Fills a polygon by the non-zero winding rule, so a lasso that crosses itself leaves no hole.
 *
 * @param {Edit} edit
 * @param {Point2[]} points at least three
 * @param {number} value
 */
export function paintPolygon(edit, points, value) {
  if (points.length < 3) return;
  const ys = points.map((point) => point[1]);
  const from = Math.max(0, Math.ceil(Math.min(...ys) - 0.5));
  const to = Math.min(edit.mask.height - 1, Math.floor(Math.max(...ys) - 0.5));
  for (let y = from; y <= to; y += 1) {
    let winding = 0;
    let start = 0;
    for (const { x, step } of crossings(points, y + 0.5)) {
      if (winding === 0) start = x;
      winding += step;
      if (winding === 0) edit.span(y, Math.ceil(start - 0.5), Math.ceil(x - 0.5), value);
    }
  }
}

/**
 * @param {Point2[]} points
 * @param {number} y
 * @returns {{x: number, step: number}[]} where the outline crosses the row, from left to right
 */
function crossings(points, y) {
  /** @type {{x: number, step: number}[]} */
  const found = [];
  for (let i = 0; i < points.length; i += 1) {
    const [ax, ay] = points[i];
    const [bx, by] = points[(i + 1) % points.length];
    if (ay <= y === by <= y) continue;
    found.push({ x: ax + ((y - ay) / (by - ay)) * (bx - ax), step: by > ay ? 1 : -1 });
  }
  return found.sort((p, q) => p.x - q.x);
}

/**
 * @param {{low: number, high: number}} range widened by what the disc covers of the row
 * @param {Point2} centre
 * @param {number} radius
 * @param {number} y
 */
function discRow(range, centre, radius, y) {
  const square = radius * radius - (y - centre[1]) ** 2;
  if (square < 0) return;
  const half = Math.sqrt(square);
  range.low = Math.min(range.low, centre[0] - half);
  range.high = Math.max(range.high, centre[0] + half);
}

/**
 * @param {{low: number, high: number}} range
 * @param {Point2[]} corners of a convex polygon
 * @param {number} y
 */
function convexRow(range, corners, y) {
  for (let i = 0; i < corners.length; i += 1) {
    const [ax, ay] = corners[i];
    const [bx, by] = corners[(i + 1) % corners.length];
    if (ay === by || y < Math.min(ay, by) || y > Math.max(ay, by)) continue;
    const x = ax + ((y - ay) / (by - ay)) * (bx - ax);
    range.low = Math.min(range.low, x);
    range.high = Math.max(range.high, x);
  }
}

/**
 * The quadrilateral between the points where the two outer tangents touch; empty when one disc holds the other.
 *
 * @param {Point2} a
 * @param {Point2} b
 * @param {number} ra
 * @param {number} rb
 * @returns {Point2[]}
 */
function tangentQuad(a, b, ra, rb) {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const distance = Math.hypot(dx, dy);
  if (distance <= Math.abs(ra - rb)) return [];
  const cosine = (ra - rb) / distance;
  const sine = Math.sqrt(1 - cosine * cosine);
  const [ux, uy] = [dx / distance, dy / distance];
  /** @type {Point2} */
  const one = [ux * cosine - uy * sine, uy * cosine + ux * sine];
  /** @type {Point2} */
  const other = [ux * cosine + uy * sine, uy * cosine - ux * sine];
  return [
    [a[0] + ra * one[0], a[1] + ra * one[1]],
    [b[0] + rb * one[0], b[1] + rb * one[1]],
    [b[0] + rb * other[0], b[1] + rb * other[1]],
    [a[0] + ra * other[0], a[1] + ra * other[1]],
  ];
}
