/**
 * Shows the mask over the flat picture: a ruby film with a light outline, sampled from the full-resolution tiles for just
 * the pixels of the screen that need it; and round it, fainter, the ring by which it will grow where that was chosen.
 */

import { ringOf } from "./ring.js";
import { TILE } from "./tiles.js";

/** @typedef {import("./tiles.js").TiledMask} TiledMask */
/** @typedef {import("./viewport.js").Viewport} Viewport */
/** @typedef {import("./types.js").Box} Box */
/** @typedef {import("./document.js").Edge} Edge */
/** @typedef {{values: Uint8Array, columns: Int32Array, rows: Int32Array, width: number}} Ring values of a grid; its cell, or -1, for each column and row of the region */

/** Red, green, blue of the film, and its strongest alpha; the sphere's shader uses the same. */
export const FILM = { colour: [255, 64, 72], alpha: 0.5 };

const SHADES = Uint32Array.from({ length: 256 }, (_, value) => rgba(FILM.colour, Math.round(value * FILM.alpha)));
/** The ring's own film; whatever will change at all can be seen. */
const RING_SHADES = Uint32Array.from({ length: 256 }, (_, value) => rgba(FILM.colour, value && 12 + Math.round(value * 0.22)));
const OUTLINE = rgba([255, 255, 255], 235);
const RING_OUTLINE = rgba([255, 255, 255], 120);

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
   * @param {Edge} [edge] how the mask will grow; empty: not shown
   */
  draw(mask, view, ratio, edge = {}) {
    const { width, height } = this.canvas;
    const now = [view.left, view.top, view.scale, width, height, edge.grow, edge.feather].join(" ");
    const moved = now !== this.#drawnView || mask !== this.#drawnMask;
    if (!moved && mask.clock === this.#drawnClock) return;
    if (moved) this.context.clearRect(0, 0, width, height);
    const tiles = moved ? painted(mask) : mask.changedSince(this.#drawnClock);
    const region = onScreen(tiles, mask, view, ratio, width, height, edge.grow ?? 0);
    if (region) this.context.putImageData(sample(mask, view, ratio, region, ringOn(mask, view, ratio, region, edge)), region[0], region[1]);
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
 * @param {number} grow image pixels round the tiles that change with them
 * @returns {Box | null} device pixels
 */
function onScreen(tiles, mask, view, ratio, width, height, grow) {
  if (tiles.length === 0) return null;
  const columns = tiles.map((index) => index % mask.columns);
  const rows = tiles.map((index) => Math.floor(index / mask.columns));
  const [left, top] = view.toStage([Math.min(...columns) * TILE - grow, Math.min(...rows) * TILE - grow]);
  const [right, bottom] = view.toStage([(Math.max(...columns) + 1) * TILE + grow, (Math.max(...rows) + 1) * TILE + grow]);
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
 * @param {Ring | null} ring
 */
function sample(mask, view, ratio, [left, top, right, bottom], ring) {
  const width = right - left;
  const image = new ImageData(width, bottom - top);
  const pixels = new Uint32Array(image.data.buffer);
  const columns = cells(width, (i) => ((left + i + 0.5) / ratio - view.left) / view.scale, mask.width);
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
      if (edge && y > top) pixels[at + i] = OUTLINE;
      else pixels[at + i] = value || !ring ? SHADES[value] : ringShade(ring, i, y - top);
    }
    [above, current] = [current, above];
  }
  return image;
}

/**
 * The ring on the grid of the photograph's pixels, or of the screen's where those are larger.
 *
 * @param {TiledMask} mask
 * @param {Viewport} view
 * @param {number} ratio
 * @param {Box} region device pixels
 * @param {Edge} edge
 * @returns {Ring | null}
 */
function ringOn(mask, view, ratio, region, { grow = 0, feather = 0 }) {
  if (grow === 0) return null;
  const step = Math.max(1, 1 / view.scale);
  const [[left, top], [right, bottom]] = [view.toImage(region[0] / ratio, region[1] / ratio), view.toImage(region[2] / ratio, region[3] / ratio)];
  const first = [Math.max(0, Math.floor(left) - grow), Math.max(0, Math.floor(top) - grow)];
  const [width, height] = [
    Math.ceil((Math.min(mask.width, Math.ceil(right) + grow) - first[0]) / step),
    Math.ceil((Math.min(mask.height, Math.ceil(bottom) + grow) - first[1]) / step),
  ];
  if (width < 1 || height < 1) return null;
  const from = (/** @type {number} */ start, /** @type {number} */ most) => (/** @type {number} */ i) => Math.min(most - 1, start + (i + 0.5) * step);
  const across = cells(width, from(first[0], mask.width), mask.width);
  const down = cells(height, from(first[1], mask.height), mask.height);
  const marks = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) readRow(mask, down[y], across, marks.subarray(y * width, (y + 1) * width));
  const place = (/** @type {number} */ offset, /** @type {number} */ start, /** @type {number} */ origin) => (/** @type {number} */ i) =>
    ((start + i + 0.5) / ratio - offset) / view.scale / step - origin / step;
  return {
    values: ringOf(marks, width, step, { grow, feather }),
    columns: cells(region[2] - region[0], place(view.left, region[0], first[0]), width),
    rows: cells(region[3] - region[1], place(view.top, region[1], first[1]), height),
    width,
  };
}

/**
 * @param {Ring} ring
 * @param {number} x of the region
 * @param {number} y
 */
function ringShade(ring, x, y) {
  const value = ringAt(ring, x, y);
  const isRim = value && !(ringAt(ring, x - 1, y) && ringAt(ring, x + 1, y) && ringAt(ring, x, y - 1) && ringAt(ring, x, y + 1));
  return isRim ? RING_OUTLINE : RING_SHADES[value];
}

/**
 * @param {Ring} ring
 * @param {number} x of the region; beside it the value of its edge
 * @param {number} y
 */
function ringAt({ values, columns, rows, width }, x, y) {
  const column = columns[Math.max(0, Math.min(columns.length - 1, x))];
  const row = rows[Math.max(0, Math.min(rows.length - 1, y))];
  return row < 0 || column < 0 ? 0 : values[row * width + column];
}

/**
 * @param {number} count
 * @param {(i: number) => number} place where the i-th lies
 * @param {number} most cells there are
 * @returns {Int32Array} the cell at each place, -1 outside
 */
function cells(count, place, most) {
  return Int32Array.from({ length: count }, (_, i) => {
    const cell = Math.floor(place(i));
    return cell >= 0 && cell < most ? cell : -1;
  });
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
