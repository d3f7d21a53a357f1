/**
 * Reads a mask picture into the mask, band by band.
 *
 * The rules are those of `vanisher_core.mask`: the brightest channel counts; a transparent layer painted in one dark colour
 * counts by its alpha; a JPEG is cut at half, because its ringing would pass for soft edges.
 */

import { TILE } from "./tiles.js";

/** @typedef {import("./tiles.js").Edit} Edit */

/** A mask file that cannot be used; the message is for the user. */
export class MaskFileError extends Error {}

/**
 * Adds what a mask picture marks.
 *
 * @param {Edit} edit
 * @param {Blob} file
 * @throws {MaskFileError} not a picture, or not of the photograph's size
 */
export async function mergeMaskFile(edit, file) {
  const { width, height } = edit.mask;
  const picture = await decode(file);
  try {
    if (picture.width !== width || picture.height !== height) {
      throw new MaskFileError(
        `This mask is ${picture.width} × ${picture.height} pixels and the photograph ${width} × ${height}. ` +
          "Use a mask of the photograph's size.",
      );
    }
    const byAlpha = !hasLight(picture);
    for (let row = 0; row < edit.mask.rows; row += 1) {
      mergeBand(edit, row, band(picture, row), { byAlpha, hard: file.type === "image/jpeg" });
    }
  } finally {
    picture.close();
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>}
 */
async function decode(file) {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new MaskFileError("This file cannot be read as a mask. Use a PNG in which white marks what to erase.");
  }
}

/**
 * @param {ImageBitmap} picture
 * @param {number} row of tiles
 * @returns {ImageData}
 */
function band(picture, row) {
  const height = Math.min(TILE, picture.height - row * TILE);
  const canvas = new OffscreenCanvas(picture.width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new MaskFileError("This browser has no memory left to read the mask.");
  context.drawImage(picture, 0, -row * TILE);
  return context.getImageData(0, 0, picture.width, height);
}

/**
 * Whether any visible pixel is brighter than black.
 *
 * @param {ImageBitmap} picture
 */
function hasLight(picture) {
  for (let row = 0; row * TILE < picture.height; row += 1) {
    const { data } = band(picture, row);
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] && (data[i] || data[i + 1] || data[i + 2])) return true;
    }
  }
  return false;
}

/**
 * @param {Edit} edit
 * @param {number} row of tiles
 * @param {ImageData} pixels
 * @param {{byAlpha: boolean, hard: boolean}} rule
 */
function mergeBand(edit, row, pixels, rule) {
  const values = new Uint8Array(TILE * TILE);
  const opaque = rule.byAlpha && pixels.data.every((value, i) => i % 4 !== 3 || value === 255);
  if (opaque) return; // black all over: nothing is marked
  for (let column = 0; column < edit.mask.columns; column += 1) {
    values.fill(0);
    const left = column * TILE;
    const count = Math.min(TILE, pixels.width - left);
    for (let y = 0; y < pixels.height; y += 1) {
      for (let x = 0; x < count; x += 1) values[(y << 8) | x] = level(pixels.data, (y * pixels.width + left + x) * 4, rule);
    }
    edit.merge(row * edit.mask.columns + column, values);
  }
}

/**
 * @param {Uint8ClampedArray} data RGBA
 * @param {number} at
 * @param {{byAlpha: boolean, hard: boolean}} rule
 */
function level(data, at, rule) {
  const alpha = data[at + 3];
  const value = rule.byAlpha ? alpha : Math.round((Math.max(data[at], data[at + 1], data[at + 2]) * alpha) / 255);
  return rule.hard ? (value >= 128 ? 255 : 0) : value;
}
