/**
 * Shows the mask over the flat picture: a ruby film with a light outline, sampled from the full-resolution tiles for just
 * the pixels of the screen that need it.
 */

import { TILE } from "./tiles.js";

/** @typedef {import("./tiles.js").TiledMask} TiledMask */
/** @typedef {import("./viewport.js").Viewport} Viewport */
/** @typedef {import("./types.js").Box} Box */

/** Red, green, blue of the film, and its strongest alpha; the sphere's shader uses the same. */
export const FILM = { colour: [255, 64, 72], alpha: 0.5 };

const SHADES = Uint32Array.from({ length: 256 }, (_, value) => rgba(FILM.colour, Math.round(value * FILM.alpha)));
const OUTLINE = rgba([255, 255, 255], 235);

/**
 * @param {number[]} colour
 * @param {number} alpha
 */
function rgba([red, green, blue], alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

export class MaskOverlay {
  #drawnClock = -1;
  #drawnView = "";
  /** @type {TiledMask | null} */
  #drawnMask = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /**
   * Brings the canvas up to date.
   *
   * @param {TiledMask} mask
   * @param {Viewport} view
   * @param {number} ratio device pixels per CSS pixel
   */
  draw(mask, view, ratio) {
    const { width, height } = this.canvas;
    const now = [view.left, view.top, view.scale, width, height].join(" ");
    const moved = now !== this.#drawnView || mask !== this.#drawnMask;
    if (!moved && mask.clock === this.#drawnClock) return;
    if (moved) this.context.clearRect(0, 0, width, height);
    const tiles = moved ? painted(mask) : mask.changedSince(this.#drawnClock);
    const region = onScreen(tiles, mask, view, ratio, width, height);
    if (region) this.context.putImageData(sample(mask, view, ratio, region), region[0], region[1]);
    this.#drawnView = now;
    this.#drawnClock = mask.clock;
    this.#drawnMask = mask;
  }

  /** Shows nothing. */
  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.#drawnView = "";
  }
}

/** @param {TiledMask} mask */
function painted(mask) {
  return mask.tiles.flatMap((tile, index) => (tile ? [index] : []));
}

/**
 * @param {number[]} tiles
 * @param {TiledMask} mask
 * @param {Viewport} view
 * @param {number} ratio
 * @param {number} width of the canvas
 * @param {number} height
 * @returns {Box | null} device pixels
 */
function onScreen(tiles, mask, view, ratio, width, height) {
  if (tiles.length === 0) return null;
  const columns = tiles.map((index) => index % mask.columns);
  const rows = tiles.map((index) => Math.floor(index / mask.columns));
  const [left, top] = view.toStage([Math.min(...columns) * TILE, Math.min(...rows) * TILE]);
  const [right, bottom] = view.toStage([(Math.max(...columns) + 1) * TILE, (Math.max(...rows) + 1) * TILE]);
  /** @type {Box} */
  const box = [
    Math.max(0, Math.floor(left * ratio) - 1),
    Math.max(0, Math.floor(top * ratio) - 1),
    Math.min(width, Math.ceil(right * ratio) + 1),
    Math.min(height, Math.ceil(bottom * ratio) + 1),
  ];
  return box[0] < box[2] && box[1] < box[3] ? box : null;
}

/**
 * @param {TiledMask} mask
 * @param {Viewport} view
 * @param {number} ratio
 * @param {Box} region
 */
function sample(mask, view, ratio, [left, top, right, bottom]) {
  const width = right - left;
  const image = new ImageData(width, bottom - top);
  const pixels = new Uint32Array(image.data.buffer);
  const columns = Int32Array.from({ length: width }, (_, i) => {
    const x = Math.floor(((left + i + 0.5) / ratio - view.left) / view.scale);
    return x >= 0 && x < mask.width ? x : -1;
  });
  let above = new Uint8Array(width);
  let current = new Uint8Array(width);
  for (let y = top; y < bottom; y += 1) {
    const row = Math.floor(((y + 0.5) / ratio - view.top) / view.scale);
    readRow(mask, row, columns, current);
    const at = (y - top) * width;
    for (let i = 0; i < width; i += 1) {
      const value = current[i];
      const inside = value > 127;
      const edge = inside !== above[i] > 127 || (i > 0 && inside !== current[i - 1] > 127);
      pixels[at + i] = edge && y > top ? OUTLINE : SHADES[value];
    }
    [above, current] = [current, above];
  }
  return image;
}

/**
 * @param {TiledMask} mask
 * @param {number} row
 * @param {Int32Array} columns image column of each screen pixel, -1 outside
 * @param {Uint8Array} into
 */
function readRow(mask, row, columns, into) {
  if (row < 0 || row >= mask.height) {
    into.fill(0);
    return;
  }
  const first = (row >> 8) * mask.columns;
  const offset = (row & 255) << 8;
  for (let i = 0; i < columns.length; i += 1) {
    const x = columns[i];
    const tile = x < 0 ? null : mask.tiles[first + (x >> 8)];
    into[i] = tile ? tile[offset | (x & 255)] : 0;
  }
}
