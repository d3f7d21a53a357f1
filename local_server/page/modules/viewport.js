/** Where the flat picture lies on the stage. Lengths are CSS pixels of the stage; `scale` is CSS pixels per image pixel. */

/** @typedef {import("./types.js").Point2} Point2 */

/** CSS pixels of calm round a picture that is shown whole. */
const MARGIN = 24;

/** Largest zoom: CSS pixels per image pixel. */
const NEAREST = 32;

export class Viewport {
  scale = 1;
  /** Stage position of the picture's top left corner. */
  left = 0;
  top = 0;
  #fitted = true;

  /**
   * @param {number} imageWidth
   * @param {number} imageHeight
   */
  constructor(imageWidth, imageHeight) {
    this.imageWidth = imageWidth;
    this.imageHeight = imageHeight;
    this.width = 1;
    this.height = 1;
  }

  /**
   * The stage has another size; a picture shown whole stays whole.
   *
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    const [dx, dy] = [(width - this.width) / 2, (height - this.height) / 2];
    this.width = width;
    this.height = height;
    if (this.#fitted) this.fit();
    else this.panBy(dx, dy);
  }

  /** Scale at which the whole picture shows; small pictures are not blown up. */
  get fitScale() {
    const margin = Math.min(MARGIN, this.width / 16);
    const across = (this.width - 2 * margin) / this.imageWidth;
    const down = (this.height - 2 * margin) / this.imageHeight;
    return Math.max(1e-4, Math.min(across, down, 1));
  }

  fit() {
    this.scale = this.fitScale;
    this.left = (this.width - this.imageWidth * this.scale) / 2;
    this.top = (this.height - this.imageHeight * this.scale) / 2;
    this.#fitted = true;
  }

  /**
   * Zooms and keeps the image position under (x, y) where it is.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} factor
   */
  zoomAt(x, y, factor) {
    const wanted = Math.max(Math.min(this.fitScale, 1) / 2, Math.min(NEAREST, this.scale * factor));
    const ratio = wanted / this.scale;
    this.left = x - (x - this.left) * ratio;
    this.top = y - (y - this.top) * ratio;
    this.scale = wanted;
    this.#fitted = false;
    this.#keepInSight();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.#fitted = this.#fitted && dx === 0 && dy === 0;
    this.#keepInSight();
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Point2}
   */
  toImage(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / this.scale];
  }

  /**
   * @param {Point2} point
   * @returns {Point2}
   */
  toStage([x, y]) {
    return [this.left + x * this.scale, this.top + y * this.scale];
  }

  /** A quarter of the stage always shows picture, so it cannot be lost. */
  #keepInSight() {
    const across = this.imageWidth * this.scale;
    const down = this.imageHeight * this.scale;
    this.left = Math.max(Math.min(this.left, this.width * 0.75), this.width * 0.25 - across);
    this.top = Math.max(Math.min(this.top, this.height * 0.75), this.height * 0.25 - down);
  }
}
