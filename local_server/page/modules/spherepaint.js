/**
 * Shapes on the sphere, stamped into the equirectangular mask as spans of its rows: across the seam and over the poles.
 *
 * A row of the picture is a circle of latitude, so the borders of a shape on it have a closed form: no resampling, and a
 * pixel belongs to the shape exactly when the direction through its centre does.
 */

import { basis, cross, dot, toPixel, unit } from "./sphere.js";

/** @typedef {import("./tiles.js").Edit} Edit */
/** @typedef {import("./types.js").Vector} Vector */
/** @typedef {import("./types.js").Point2} Point2 */

/** Distance between stamped caps as a share of their radius: the outline stays within 0.5 % of the true one. */
const STEP = 0.2;

/** A polygon must fit into this angle round its middle: half a sphere has no inside. */
const WIDEST = (80 * Math.PI) / 180;

/** A shape that cannot be filled; the message is for the user. */
export class ShapeError extends Error {}

/**
 * Paints caps along the great circle from a to b.
 *
 * @param {Edit} edit
 * @param {Vector} a
 * @param {Vector} b
 * @param {number} ra angular radius at a
 * @param {number} rb angular radius at b
 * @param {number} value
 */
export function paintArc(edit, a, b, ra, rb, value) {
  const angle = Math.atan2(Math.hypot(...cross(a, b)), dot(a, b));
  const least = (0.71 * Math.PI) / edit.mask.height;
  const steps = Math.max(1, Math.ceil(angle / (STEP * Math.max(Math.min(ra, rb), least))));
  for (let i = angle > 0 ? 0 : steps; i <= steps; i += 1) {
    const share = i / steps;
    paintCap(edit, between(a, b, angle, share), Math.max(ra + (rb - ra) * share, least), value);
  }
}

/**
 * Paints every pixel within `radius` of a direction.
 *
 * @param {Edit} edit
 * @param {Vector} centre
 * @param {number} radius
 * @param {number} value
 */
export function paintCap(edit, centre, radius, value) {
  const { width, height } = edit.mask;
  const middle = Math.asin(Math.max(-1, Math.min(1, centre[1])));
  const [column] = toPixel(centre, width, height);
  const rowOf = (/** @type {number} */ pitch) => (0.5 - pitch / Math.PI) * height;
  const from = Math.max(0, Math.ceil(rowOf(middle + radius) - 0.5));
  const to = Math.min(height - 1, Math.floor(rowOf(middle - radius) - 0.5));
  for (let y = from; y <= to; y += 1) {
    const pitch = (0.5 - (y + 0.5) / height) * Math.PI;
    const level = Math.cos(radius) - Math.sin(pitch) * Math.sin(middle);
    const scale = Math.cos(pitch) * Math.cos(middle);
    if (level > scale) continue;
    if (level <= -scale) edit.span(y, 0, width, value);
    else {
      const half = (Math.acos(level / scale) / (2 * Math.PI)) * width;
      wrappedSpan(edit, y, column - half, column + half, value);
    }
  }
}

/**
 * Fills the polygon of great-circle arcs between the points (non-zero winding).
 *
 * @param {Edit} edit
 * @param {Vector[]} points at least three
 * @param {number} value
 * @throws {ShapeError} when it is too large to have an inside
 */
export function paintSpherePolygon(edit, points, value) {
  if (points.length < 3) return;
  const plane = tangentPlane(points);
  const { width, height } = edit.mask;
  const edges = points.map((a, i) => ({ a, b: points[(i + 1) % points.length] }));
  const arcs = edges.map(({ a, b }) => ({ a, b, normal: cross(a, b) })).filter((arc) => Math.hypot(...arc.normal) > 1e-12);
  for (let y = 0; y < height; y += 1) {
    const pitch = (0.5 - (y + 0.5) / height) * Math.PI;
    if (!plane.mayTouch(pitch)) continue;
    const yaws = arcs.flatMap((arc) => yawsAtPitch(arc, pitch)).sort((p, q) => p - q);
    if (yaws.length === 0) {
      if (plane.holds(0, pitch)) edit.span(y, 0, width, value);
      continue;
    }
    yaws.forEach((yaw, i) => {
      const next = i + 1 < yaws.length ? yaws[i + 1] : yaws[0] + 2 * Math.PI;
      if (next - yaw < 1e-12 || !plane.holds((yaw + next) / 2, pitch)) return;
      const column = (/** @type {number} */ angle) => (angle / (2 * Math.PI) + 0.5) * width;
      wrappedSpan(edit, y, column(yaw), column(next), value);
    });
  }
}

/**
 * Where an arc crosses a circle of latitude: n . p(yaw) = 0 has at most two solutions.
 *
 * @param {{a: Vector, b: Vector, normal: Vector}} arc
 * @param {number} pitch
 * @returns {number[]} yaws
 */
function yawsAtPitch({ a, b, normal }, pitch) {
  const size = Math.hypot(normal[0], normal[2]) * Math.cos(pitch);
  const rest = -normal[1] * Math.sin(pitch);
  if (size <= Math.abs(rest)) return [];
  const middle = Math.atan2(normal[0], normal[2]);
  const half = Math.acos(rest / size);
  return [middle - half, middle + half].filter((yaw) => {
    /** @type {Vector} */
    const p = [Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(yaw) * Math.cos(pitch)];
    return dot(cross(a, p), normal) >= 0 && dot(cross(p, b), normal) >= 0;
  }).map((yaw) => yaw - 2 * Math.PI * Math.floor((yaw + Math.PI) / (2 * Math.PI)));
}

/**
 * The plane that touches the sphere at the middle of the points; great circles are straight lines in it, so the inside of
 * the polygon can be asked there.
 *
 * @param {Vector[]} points
 */
function tangentPlane(points) {
  /** @type {Vector} */
  const sum = [0, 0, 0];
  for (const point of points) for (const i of [0, 1, 2]) sum[i] += point[i];
  const middle = unit(sum);
  const widest = Math.max(...points.map((point) => Math.acos(Math.max(-1, Math.min(1, dot(point, middle))))));
  if (!(widest <= WIDEST)) {
    throw new ShapeError("This shape spans more than 160° of the sphere. Draw a smaller one, or several.");
  }
  const pitch = Math.asin(middle[1]);
  const axes = basis(Math.atan2(middle[0], middle[2]), pitch);
  const flat = points.map((p) => /** @type {Point2} */ ([dot(p, axes.right) / dot(p, axes.forward), dot(p, axes.up) / dot(p, axes.forward)]));
  return {
    mayTouch: (/** @type {number} */ row) => Math.abs(row - pitch) <= widest,
    holds: (/** @type {number} */ yaw, /** @type {number} */ row) => {
      /** @type {Vector} */
      const p = [Math.sin(yaw) * Math.cos(row), Math.sin(row), Math.cos(yaw) * Math.cos(row)];
      const depth = dot(p, axes.forward);
      return depth > 0 && winding(flat, dot(p, axes.right) / depth, dot(p, axes.up) / depth) !== 0;
    },
  };
}

/**
 * @param {Point2[]} points
 * @param {number} x
 * @param {number} y
 */
function winding(points, x, y) {
  let turns = 0;
  for (let i = 0; i < points.length; i += 1) {
    const [ax, ay] = points[i];
    const [bx, by] = points[(i + 1) % points.length];
    if (ay <= y === by <= y) continue;
    if (ax + ((y - ay) / (by - ay)) * (bx - ax) > x) turns += by > ay ? 1 : -1;
  }
  return turns;
}

/**
 * @param {Edit} edit
 * @param {number} y
 * @param {number} low column, may leave the picture on either side
 * @param {number} high
 * @param {number} value
 */
function wrappedSpan(edit, y, low, high, value) {
  const { width } = edit.mask;
  const from = Math.ceil(low - 0.5);
  const to = Math.min(Math.floor(high - 0.5) + 1, from + width);
  const shift = Math.floor(from / width) * width;
  edit.span(y, from - shift, to - shift, value);
  edit.span(y, from - shift - width, to - shift - width, value);
}

/**
 * @param {Vector} a
 * @param {Vector} b
 * @param {number} angle between them
 * @param {number} share of the way, 0 to 1
 * @returns {Vector}
 */
function between(a, b, angle, share) {
  if (angle < 1e-9) return b;
  const p = Math.sin((1 - share) * angle) / Math.sin(angle);
  const q = Math.sin(share * angle) / Math.sin(angle);
  return unit([p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2]]);
}
