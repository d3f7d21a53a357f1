/**
 * Writes a mask as an 8-bit grey PNG.
 *
 * A canvas would need four bytes a pixel and write colour; here the rows go straight from the tiles through the browser's
 * own deflate, one band of tiles at a time.
 */

import { TILE } from "./tiles.js";

/** @typedef {import("./tiles.js").TiledMask} TiledMask */

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/**
 * @param {TiledMask} mask
 * @returns {Promise<Blob>} image/png, of the mask's full size
 */
export async function encodeMask(mask) {
  const packed = await new Response(rows(mask).pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, mask.width);
  header.setUint32(4, mask.height);
  header.setUint8(8, 8); // bits a sample; the colour type after it stays 0: grey
  return new Blob(
    [
      SIGNATURE,
      chunk("IHDR", new Uint8Array(header.buffer)),
      chunk("IDAT", new Uint8Array(packed)),
      chunk("IEND", new Uint8Array(0)),
    ],
    { type: "image/png" },
  );
}

/**
 * @param {TiledMask} mask
 * @returns {ReadableStream<Uint8Array<ArrayBuffer>>} PNG scan lines, each led by its filter byte (0, none)
 */
function rows(mask) {
  let y = 0;
  return new ReadableStream({
    pull(controller) {
      const count = Math.min(TILE, mask.height - y);
      const band = new Uint8Array(count * (mask.width + 1));
      for (let i = 0; i < count; i += 1) {
        const start = i * (mask.width + 1) + 1;
        mask.row(y + i, band.subarray(start, start + mask.width));
      }
      controller.enqueue(band);
      y += count;
      if (y >= mask.height) controller.close();
    },
  });
}

/**
 * @param {string} name
 * @param {Uint8Array} data
 * @returns {Uint8Array<ArrayBuffer>}
 */
function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i += 1) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** @param {Uint8Array} bytes */
function crc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
