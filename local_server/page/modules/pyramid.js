/**
 * The picture as the server shows it: a preview of the whole, and sharper tiles of what is looked at closely.
 *
 * A fill changes one region; everywhere else a tile of an older version is the same picture, so tiles are asked for and
 * kept under the last version that touched them.
 */

import { request, viewUrl } from "./api.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Box} Box */

/** Longer side of the preview in pixels. */
const PREVIEW = 2048;
/** Side of a tile in pixels as it is shown; at level n it covers TILE * 2^n pixels of the photograph. */
const TILE = 512;
/** Tiles kept; 1 MB each. */
const MOST_TILES = 96;
const MOST_PREVIEWS = 4;
const MOST_LOADS = 4;

export class Pyramid {
  /** @type {Map<string, ImageBitmap>} in order of use, oldest first */
  #tiles = new Map();
  /** @type {Map<number, ImageBitmap>} */
  #previews = new Map();
  /** @type {Set<string>} */
  #loading = new Set();
  /** @type {Set<string>} what failed once is not asked for again on every frame */
  #failed = new Set();
  /** @type {Map<string, string>} key to address of the tiles the last drawing missed */
  #wanted = new Map();
  #closed = new AbortController();

  /**
   * @param {Session} session
   * @param {() => void} onLoad something more can be drawn
   * @param {(error: unknown) => void} onError
   */
  constructor(session, onLoad, onError) {
    this.session = session;
    this.onLoad = onLoad;
    this.onError = onError;
    this.previewScale = Math.min(1, PREVIEW / Math.max(session.width, session.height));
  }

  /** Frees the decoded pictures; those on their way are given up. */
  close() {
    this.#closed.abort();
    for (const picture of [...this.#tiles.values(), ...this.#previews.values()]) picture.close();
    this.#tiles.clear();
    this.#previews.clear();
    this.#wanted.clear();
  }

  /**
   * Draws one version with its top left corner at (0, 0) of the context's present transform (units: image pixels).
   *
   * @param {CanvasRenderingContext2D} context
   * @param {number} version
   * @param {Box} seen what is on the screen, in image pixels
   * @param {number} zoom device pixels per image pixel
   */
  draw(context, version, seen, zoom) {
    const preview = this.#preview(version);
    if (preview) context.drawImage(preview, 0, 0, this.session.width, this.session.height);
    if (zoom <= this.previewScale * 1.05) return;
    const level = Math.max(0, Math.floor(Math.log2(1 / zoom) + 0.01));
    const side = TILE * 2 ** level;
    const { width, height } = this.session;
    for (let top = Math.floor(seen[1] / side) * side; top < seen[3]; top += side) {
      for (let left = Math.floor(seen[0] / side) * side; left < seen[2]; left += side) {
        /** @type {Box} */
        const box = [left, top, Math.min(left + side, width), Math.min(top + side, height)];
        const tile = this.#tile(version, box);
        if (tile) context.drawImage(tile, left, top, box[2] - left, box[3] - top);
      }
    }
    this.#load();
  }

  /** Forgets what was asked for by the last drawing; call it before drawing. */
  startFrame() {
    this.#wanted.clear();
  }

  /**
   * The newest version up to `version` that changed something in a region.
   *
   * @param {number} version
   * @param {Box} box
   */
  source(version, box) {
    let at = this.session.versions[version];
    while (at.parent !== null && at.changed && !overlap(at.changed, box)) at = this.session.versions[at.parent];
    return at.number;
  }

  /**
   * @param {number} version
   * @returns {ImageBitmap | null} while it loads: that of the nearest ancestor
   */
  #preview(version) {
    const ready = this.#previews.get(version);
    if (ready) {
      this.#previews.delete(version);
      this.#previews.set(version, ready);
      return ready;
    }
    const { id, width, height } = this.session;
    const key = `preview ${version}`;
    if (!this.#loading.has(key) && !this.#failed.has(key)) {
      this.#fetch(key, viewUrl(id, version, [0, 0, width, height], PREVIEW), (picture) => {
        keep(this.#previews, version, picture, MOST_PREVIEWS);
      });
    }
    for (let at = this.session.versions[version].parent; at !== null; at = this.session.versions[at].parent) {
      const older = this.#previews.get(at);
      if (older) return older;
    }
    return null;
  }

  /**
   * @param {number} version
   * @param {Box} box
   */
  #tile(version, box) {
    const from = this.source(version, box);
    const key = `${from} ${box}`;
    const tile = this.#tiles.get(key);
    if (tile) {
      this.#tiles.delete(key);
      this.#tiles.set(key, tile);
    } else {
      this.#wanted.set(key, viewUrl(this.session.id, from, box, TILE));
    }
    return tile;
  }

  #load() {
    for (const [key, url] of this.#wanted) {
      if (this.#loading.size >= MOST_LOADS) return;
      if (!this.#loading.has(key) && !this.#failed.has(key)) {
        this.#wanted.delete(key);
        this.#fetch(key, url, (picture) => keep(this.#tiles, key, picture, MOST_TILES));
      }
    }
  }

  /**
   * @param {string} key
   * @param {string} url
   * @param {(picture: ImageBitmap) => void} store
   */
  #fetch(key, url, store) {
    const { signal } = this.#closed;
    this.#loading.add(key);
    request(url, { signal })
      .then((response) => response.blob())
      .then((blob) => createImageBitmap(blob))
      .then((picture) => (signal.aborted ? picture.close() : store(picture)))
      .then(() => signal.aborted || this.onLoad())
      .catch((error) => {
        this.#failed.add(key);
        if (!signal.aborted) this.onError(error);
      })
      .finally(() => this.#loading.delete(key));
  }
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/**
 * @template K
 * @param {Map<K, ImageBitmap>} cache
 * @param {K} key
 * @param {ImageBitmap} picture
 * @param {number} most
 */
function keep(cache, key, picture, most) {
  cache.set(key, picture);
  while (cache.size > most) {
    const [oldest, dropped] = /** @type {[K, ImageBitmap]} */ (cache.entries().next().value);
    dropped.close();
    cache.delete(oldest);
  }
}
