/** The panorama seen from its middle: a surface for the tools, drawn with WebGL2. */

import { SphereCamera, basis, cross, unit } from "./sphere.js";
import { paintArc, paintSpherePolygon } from "./spherepaint.js";
import { sphereProgram } from "./sphereshader.js";
import { MaskTexture, PictureTexture } from "./spheretextures.js";

/** @typedef {import("./types.js").Vector} Vector */
/** @typedef {import("./types.js").Point2} Point2 */
/** @typedef {import("./types.js").Surface} Surface */
/** @typedef {import("./types.js").SurfacePoint} SurfacePoint */
/** @typedef {import("./tiles.js").Edit} Edit */
/** @typedef {import("./document.js").PictureDocument} PictureDocument */

const START_FIELD = (75 * Math.PI) / 180;

/**
 * What lies on the graphics card.
 *
 * @typedef {object} OnCard
 * @property {ReturnType<typeof sphereProgram>} shader
 * @property {PictureTexture} picture
 * @property {PictureTexture} original
 * @property {MaskTexture} mask
 */

/** @implements {Surface} */
export class SphereView {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {PictureDocument} document
   * @param {() => void} onLoad
   * @param {(error: unknown) => void} onError
   * @throws {Error} without WebGL2; the message is for the user
   */
  constructor(canvas, document, onLoad, onError) {
    const gl = canvas.getContext("webgl2", { antialias: false, depth: false, alpha: false });
    if (!gl) throw new Error("The 360° view needs WebGL 2, which this browser does not offer. Paint on the flat picture.");
    this.canvas = canvas;
    this.gl = gl;
    this.document = document;
    this.camera = new SphereCamera();
    this.ratio = 1;
    this.onLoad = onLoad;
    this.onError = onError;
    /** Null while the browser has taken the card away. @type {OnCard | null} */
    this.card = null;
    if (!gl.isContextLost()) this.build();
  }

  /**
   * Puts all that is drawn on the card: at the start, and again when the browser gives the card back.
   *
   * @throws {Error} when the driver does not take the shader
   */
  build() {
    const { gl, document, onLoad, onError } = this;
    this.card = {
      shader: sphereProgram(gl),
      picture: new PictureTexture(gl, document, onLoad, onError),
      original: new PictureTexture(gl, document, onLoad, onError),
      mask: new MaskTexture(gl, document.mask),
    };
  }

  /** Frees the graphics memory; nothing is drawn until `build`. */
  close() {
    if (!this.card) return;
    const { shader, picture, original, mask } = this.card;
    for (const texture of [picture, original, mask]) texture.close();
    this.gl.deleteProgram(shader.program);
    this.card = null;
  }

  /**
   * @param {number} width CSS pixels
   * @param {number} height
   * @param {number} ratio
   */
  resize(width, height, ratio) {
    this.ratio = ratio;
    this.camera.width = width;
    this.camera.height = height;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  /** @param {{compareAt: number | null}} options */
  draw({ compareAt }) {
    const { gl, camera, canvas, card } = this;
    if (!card || gl.isContextLost()) return;
    const { shader, picture, original, mask } = card;
    const wanted = this.zoom() * this.document.session.width;
    picture.show(this.document.session.current, wanted);
    if (compareAt !== null) original.show(0, wanted);
    mask.update();
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.useProgram(shader.program);
    [picture, original, mask].forEach(({ texture }, unitNumber) => {
      gl.activeTexture(gl.TEXTURE0 + unitNumber);
      gl.bindTexture(gl.TEXTURE_2D, texture);
    });
    ["picture", "original", "mask"].forEach((name, unitNumber) => gl.uniform1i(shader.at(name), unitNumber));
    const { right, up, forward } = basis(camera.yaw, camera.pitch);
    gl.uniformMatrix3fv(shader.at("axes"), false, [...right, ...up, ...forward]);
    gl.uniform2f(shader.at("size"), canvas.width, canvas.height);
    gl.uniform2f(shader.at("reach"), (camera.reach * camera.width) / camera.height, camera.reach);
    gl.uniform1f(shader.at("texels"), Math.max(1, picture.width));
    gl.uniform1f(shader.at("split"), compareAt === null ? -1 : compareAt * canvas.width);
    gl.uniform1i(shader.at("film"), compareAt === null && !this.document.mask.isEmpty ? 1 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Vector}
   */
  pointAt(x, y) {
    return this.camera.ray(x, y);
  }

  /** @param {SurfacePoint} point */
  toScreen(point) {
    return this.camera.project(/** @type {Vector} */ (point));
  }

  /** @param {number} radius CSS pixels */
  brushRadius(radius) {
    return Math.atan(radius * this.camera.pixelAngle);
  }

  /**
   * @param {SurfacePoint} point
   * @param {number} radius radians
   * @returns {Point2[]} the brush's outline on the stage
   */
  outline(point, radius) {
    const way = /** @type {Vector} */ (point);
    const side = unit(cross(way, Math.abs(way[1]) < 0.9 ? [0, 1, 0] : [1, 0, 0]));
    const other = cross(way, side);
    const found = Array.from({ length: 64 }, (_, i) => {
      const angle = (i / 32) * Math.PI;
      const [p, q] = [Math.cos(angle) * Math.sin(radius), Math.sin(angle) * Math.sin(radius)];
      const along = Math.cos(radius);
      return this.camera.project([
        way[0] * along + side[0] * p + other[0] * q,
        way[1] * along + side[1] * p + other[1] * q,
        way[2] * along + side[2] * p + other[2] * q,
      ]);
    });
    return /** @type {Point2[]} */ (found.filter((each) => each !== null));
  }

  /**
   * @param {Edit} edit
   * @param {SurfacePoint} a
   * @param {SurfacePoint} b
   * @param {number} ra
   * @param {number} rb
   * @param {number} value
   */
  stroke(edit, a, b, ra, rb, value) {
    paintArc(edit, /** @type {Vector} */ (a), /** @type {Vector} */ (b), ra, rb, value);
  }

  /**
   * @param {Edit} edit
   * @param {SurfacePoint[]} points
   * @param {number} value
   */
  polygon(edit, points, value) {
    paintSpherePolygon(edit, /** @type {Vector[]} */ (points), value);
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    const { camera } = this;
    const across = camera.pixelAngle / Math.max(0.2, Math.cos(camera.pitch));
    camera.look(camera.yaw - dx * across, camera.pitch + dy * camera.pixelAngle);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} factor
   */
  zoomAt(x, y, factor) {
    const { camera } = this;
    const before = angles(camera.ray(x, y));
    camera.zoomBy(factor);
    const after = angles(camera.ray(x, y));
    camera.look(camera.yaw + before[0] - after[0], camera.pitch + before[1] - after[1]);
  }

  fit() {
    this.camera.field = START_FIELD;
  }

  actualSize() {
    this.camera.zoomBy(1 / this.zoom());
  }

  zoom() {
    return ((2 * Math.PI) / this.document.session.width / this.camera.pixelAngle) * this.ratio;
  }
}

/** @param {Vector} way */
function angles(way) {
  return [Math.atan2(way[0], way[2]), Math.asin(Math.max(-1, Math.min(1, way[1])))];
}
