/**
 * Geometry of the sphere: directions, equirectangular positions, and the perspective view one looks through.
 *
 * Same conventions as the `panorama` package: yaw right, pitch up, yaw 0 in the middle of the picture, pixel centres at +0.5.
 */

/** @typedef {import("./types.js").Vector} Vector */
/** @typedef {import("./types.js").Point2} Point2 */

/**
 * @param {Vector} a
 * @param {Vector} b
 */
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/**
 * @param {Vector} a
 * @param {Vector} b
 * @returns {Vector}
 */
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/**
 * @param {Vector} a
 * @returns {Vector}
 */
export function unit(a) {
  const length = Math.hypot(a[0], a[1], a[2]);
  return [a[0] / length, a[1] / length, a[2] / length];
}

/**
 * @param {number} yaw
 * @param {number} pitch
 * @returns {Vector}
 */
export function direction(yaw, pitch) {
  return [Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(yaw) * Math.cos(pitch)];
}

/**
 * @param {Vector} way
 * @param {number} width of the equirectangular picture
 * @param {number} height
 * @returns {Point2}
 */
export function toPixel(way, width, height) {
  const yaw = Math.atan2(way[0], way[2]);
  const pitch = Math.asin(Math.max(-1, Math.min(1, way[1])));
  return [(yaw / (2 * Math.PI) + 0.5) * width, (0.5 - pitch / Math.PI) * height];
}

/**
 * Right, up and forward of someone who looks along (yaw, pitch).
 *
 * @param {number} yaw
 * @param {number} pitch
 * @returns {{right: Vector, up: Vector, forward: Vector}}
 */
export function basis(yaw, pitch) {
  return {
    right: [Math.cos(yaw), 0, -Math.sin(yaw)],
    up: [-Math.sin(yaw) * Math.sin(pitch), Math.cos(pitch), -Math.cos(yaw) * Math.sin(pitch)],
    forward: direction(yaw, pitch),
  };
}

/** The view: where one looks and how wide; screen positions are CSS pixels of the stage. */
export class SphereCamera {
  yaw = 0;
  pitch = 0;
  /** Vertical field of view. */
  field = (75 * Math.PI) / 180;
  width = 1;
  height = 1;

  /** Half the height of the screen in units of the distance to it. */
  get reach() {
    return Math.tan(this.field / 2);
  }

  /** Angle of one CSS pixel at the centre of the view. */
  get pixelAngle() {
    return (2 * this.reach) / this.height;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Vector}
   */
  ray(x, y) {
    const { right, up, forward } = basis(this.yaw, this.pitch);
    const across = (x - this.width / 2) * this.pixelAngle;
    const above = (this.height / 2 - y) * this.pixelAngle;
    return unit([
      forward[0] + across * right[0] + above * up[0],
      forward[1] + across * right[1] + above * up[1],
      forward[2] + across * right[2] + above * up[2],
    ]);
  }

  /**
   * @param {Vector} way
   * @returns {Point2 | null} null behind the viewer
   */
  project(way) {
    const { right, up, forward } = basis(this.yaw, this.pitch);
    const depth = dot(way, forward);
    if (depth <= 1e-6) return null;
    return [
      this.width / 2 + dot(way, right) / depth / this.pixelAngle,
      this.height / 2 - dot(way, up) / depth / this.pixelAngle,
    ];
  }

  /**
   * @param {number} yaw
   * @param {number} pitch
   */
  look(yaw, pitch) {
    this.yaw = yaw - 2 * Math.PI * Math.round(yaw / (2 * Math.PI));
    this.pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, pitch));
  }

  /** @param {number} factor above 1 comes nearer */
  zoomBy(factor) {
    const wanted = 2 * Math.atan(this.reach / factor);
    this.field = Math.max((5 * Math.PI) / 180, Math.min((120 * Math.PI) / 180, wanted));
  }
}
