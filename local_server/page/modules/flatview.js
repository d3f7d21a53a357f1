/** The picture as it lies flat: a surface for the tools, drawn on two canvases (picture, mask). */

import { MaskOverlay } from "./overlay.js";
import { paintPolygon, paintStroke } from "./plane.js";
import { Viewport } from "./viewport.js";

/** @typedef {import("./types.js").Point2} Point2 */
/** @typedef {import("./types.js").Surface} Surface */
/** @typedef {import("./types.js").SurfacePoint} SurfacePoint */
/** @typedef {import("./types.js").Box} Box */
/** @typedef {import("./tiles.js").Edit} Edit */
/** @typedef {import("./document.js").PictureDocument} PictureDocument */

/** @implements {Surface} */
export class FlatView {
  /**
   * @param {HTMLCanvasElement} picture
   * @param {HTMLCanvasElement} mask
   * @param {PictureDocument} document
   */
  constructor(picture, mask, document) {
    this.canvas = picture;
    this.context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
    this.overlay = new MaskOverlay(mask);
    this.document = document;
    this.viewport = new Viewport(document.session.width, document.session.height);
    this.ratio = 1;
  }

  /**
   * @param {number} width CSS pixels
   * @param {number} height
   * @param {number} ratio device pixels per CSS pixel
   */
  resize(width, height, ratio) {
    this.ratio = ratio;
    this.viewport.resize(width, height);
    for (const canvas of [this.canvas, this.overlay.canvas]) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    }
    this.overlay.clear();
  }

  /**
   * @param {object} options
   * @param {number | null} options.compareAt share of the width left of which the original shows
   * @param {import("./document.js").Edge} options.edge how the mask will grow
   */
  draw({ compareAt, edge }) {
    const { context, viewport, document } = this;
    const { pyramid, session } = document;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const scale = viewport.scale * this.ratio;
    context.setTransform(scale, 0, 0, scale, viewport.left * this.ratio, viewport.top * this.ratio);
    context.imageSmoothingEnabled = scale < 2;
    context.imageSmoothingQuality = "high";
    pyramid.startFrame();
    const seen = this.#seen();
    pyramid.draw(context, session.current, seen, scale);
    if (compareAt === null) {
      // On the sphere masks grow by angles, which this ring does not know.
      this.overlay.draw(document.mask, viewport, this.ratio, document.panorama ? {} : edge);
      return;
    }
    this.overlay.clear();
    const [border] = viewport.toImage(compareAt * viewport.width, 0);
    context.save();
    context.beginPath();
    context.rect(0, 0, Math.max(0, border), session.height);
    context.clip();
    pyramid.draw(context, 0, seen, scale);
    context.restore();
  }

  /** @returns {Box} */
  #seen() {
    const { viewport } = this;
    const [left, top] = viewport.toImage(0, 0);
    const [right, bottom] = viewport.toImage(viewport.width, viewport.height);
    return [
      Math.max(0, left),
      Math.max(0, top),
      Math.min(viewport.imageWidth, right),
      Math.min(viewport.imageHeight, bottom),
    ];
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Point2}
   */
  pointAt(x, y) {
    return this.viewport.toImage(x, y);
  }

  /** @param {SurfacePoint} point */
  toScreen(point) {
    return this.viewport.toStage(/** @type {Point2} */ (point));
  }

  /** @param {number} radius CSS pixels */
  brushRadius(radius) {
    return radius / this.viewport.scale;
  }

  /**
   * @param {SurfacePoint} point
   * @param {number} radius image pixels
   * @returns {Point2[]} the brush's outline on the stage
   */
  outline(point, radius) {
    const [x, y] = this.toScreen(point);
    const reach = radius * this.viewport.scale;
    return Array.from({ length: 64 }, (_, i) => {
      const angle = (i / 32) * Math.PI;
      return [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
    });
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
    paintStroke(edit, /** @type {Point2} */ (a), /** @type {Point2} */ (b), ra, rb, value);
  }

  /**
   * @param {Edit} edit
   * @param {SurfacePoint[]} points
   * @param {number} value
   */
  polygon(edit, points, value) {
    paintPolygon(edit, /** @type {Point2[]} */ (points), value);
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    this.viewport.panBy(dx, dy);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} factor
   */
  zoomAt(x, y, factor) {
    this.viewport.zoomAt(x, y, factor);
  }

  fit() {
    this.viewport.fit();
  }

  actualSize() {
    const { width, height, scale } = this.viewport;
    this.viewport.zoomAt(width / 2, height / 2, 1 / this.ratio / scale);
  }

  zoom() {
    return this.viewport.scale * this.ratio;
  }
}
