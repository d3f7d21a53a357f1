/**
 * The mask at the photograph's full resolution: 8 bit, 255 = erase, in tiles of which only painted ones exist.
 *
 * An 8192 x 4096 panorama would be 33 MB as one array; a typical mask touches a tenth of its tiles. Every change goes
 * through an `Edit`, which copies a tile before its first write, so that undo needs no picture of the whole mask.
 */

import { pack, unpack } from "./runs.js";

/** Side of a tile in pixels. */
export const TILE = 256;

/** @typedef {{index: number, before: Uint32Array | null, after: Uint32Array | null}} TileChange */
/** @typedef {{tiles: TileChange[], bytes: number}} Change one step of the mask, in both directions */

export class TiledMask {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.columns = Math.ceil(width / TILE);
    this.rows = Math.ceil(height / TILE);
    /** @type {(Uint8Array | null)[]} row by row; null = nothing painted */
    this.tiles = new Array(this.columns * this.rows).fill(null);
    /** Counts writes; `stamps[i]` is the count at the last write to tile i, so views refresh only what changed. */
    this.clock = 0;
    this.stamps = new Float64Array(this.tiles.length);
  }

  /** Whether nothing is painted. Exact between edits. */
  get isEmpty() {
    return this.tiles.every((tile) => tile === null);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {number} 0 to 255
   */
  at(x, y) {
    const tile = this.tiles[(y >> 8) * this.columns + (x >> 8)];
    return tile ? tile[((y & 255) << 8) | (x & 255)] : 0;
  }

  /**
   * Copies one row of pixels.
   *
   * @param {number} y
   * @param {Uint8Array} into at least `width` long
   */
  row(y, into) {
    const first = (y >> 8) * this.columns;
    const offset = (y & 255) << 8;
    for (let column = 0; column < this.columns; column += 1) {
      const left = column * TILE;
      const length = Math.min(TILE, this.width - left);
      const tile = this.tiles[first + column];
      if (tile) into.set(tile.subarray(offset, offset + length), left);
      else into.fill(0, left, left + length);
    }
  }

  /**
   * Indexes of tiles written after a given clock.
   *
   * @param {number} clock
   * @returns {number[]}
   */
  changedSince(clock) {
    /** @type {number[]} */
    const found = [];
    for (let index = 0; index < this.stamps.length; index += 1) {
      if (this.stamps[index] > clock) found.push(index);
    }
    return found;
  }

  /** @returns {Edit} */
  edit() {
    return new Edit(this);
  }

  /**
   * Puts one recorded state back.
   *
   * @param {Change} change
   * @param {"before" | "after"} side
   */
  apply(change, side) {
    this.clock += 1;
    for (const entry of change.tiles) {
      const packed = entry[side];
      this.tiles[entry.index] = packed ? unpack(packed, TILE * TILE) : null;
      this.stamps[entry.index] = this.clock;
    }
  }
}

/** One change of a mask while it is being made; nothing else writes to a mask. */
export class Edit {
  /** @type {Map<number, Uint8Array | null>} tiles as they were */
  #before = new Map();

  /** @param {TiledMask} mask */
  constructor(mask) {
    this.mask = mask;
  }

  /**
   * @param {number} index
   * @returns {Uint8Array} the tile, ready to be written to
   */
  writable(index) {
    const { mask } = this;
    const old = mask.tiles[index];
    if (!this.#before.has(index)) {
      this.#before.set(index, old);
      mask.tiles[index] = old ? old.slice() : new Uint8Array(TILE * TILE);
    } else if (old === null) {
      mask.tiles[index] = new Uint8Array(TILE * TILE);
    }
    mask.clock += 1;
    mask.stamps[index] = mask.clock;
    return /** @type {Uint8Array} */ (mask.tiles[index]);
  }

  /**
   * Sets the pixels x0 <= x < x1 of row y; what lies outside the picture is left away.
   *
   * @param {number} y integer
   * @param {number} x0 integer
   * @param {number} x1 integer
   * @param {number} value 0 to 255
   */
  span(y, x0, x1, value) {
    const { mask } = this;
    if (y < 0 || y >= mask.height) return;
    let left = Math.max(x0, 0);
    const right = Math.min(x1, mask.width);
    const row = y >> 8;
    const offset = (y & 255) << 8;
    while (left < right) {
      const column = left >> 8;
      const end = Math.min(right, (column + 1) << 8);
      const index = row * mask.columns + column;
      if (value !== 0 || mask.tiles[index] !== null) {
        const start = column << 8;
        this.writable(index).fill(value, offset + left - start, offset + end - start);
      }
      left = end;
    }
  }

  /**
   * Adds a tile of values: the larger of old and new stays.
   *
   * @param {number} index
   * @param {Uint8Array} values TILE x TILE
   */
  merge(index, values) {
    if (!values.some((value) => value !== 0)) return;
    const tile = this.writable(index);
    for (let i = 0; i < tile.length; i += 1) if (values[i] > tile[i]) tile[i] = values[i];
  }

  /** Takes everything off. */
  clear() {
    this.mask.tiles.forEach((tile, index) => {
      if (tile) this.writable(index).fill(0);
    });
  }

  /**
   * Ends the edit.
   *
   * @returns {Change | null} null when nothing is different
   */
  commit() {
    /** @type {TileChange[]} */
    const tiles = [];
    let bytes = 0;
    for (const [index, old] of this.#before) {
      const now = /** @type {Uint8Array} */ (this.mask.tiles[index]);
      const after = pack(now);
      const before = old ? pack(old) : null;
      const empty = after.length === 1 && after[0] % 256 === 0;
      if (empty) this.mask.tiles[index] = null;
      const change = { index, before, after: empty ? null : after };
      if (same(change.before, change.after)) continue;
      tiles.push(change);
      bytes += 64 + (change.before?.byteLength ?? 0) + (change.after?.byteLength ?? 0);
    }
    this.#before.clear();
    return tiles.length ? { tiles, bytes } : null;
  }

  /** Puts everything back as it was before the edit. */
  cancel() {
    this.mask.clock += 1;
    for (const [index, old] of this.#before) {
      this.mask.tiles[index] = old;
      this.mask.stamps[index] = this.mask.clock;
    }
    this.#before.clear();
  }
}

/**
 * @param {Uint32Array | null} a
 * @param {Uint32Array | null} b
 */
function same(a, b) {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
