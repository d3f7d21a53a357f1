/** What the 360 view has on the graphics card: the picture, the original for comparing, and the mask. */

import { request, viewUrl } from "./api.js";
import { TILE } from "./tiles.js";

/** @typedef {import("./tiles.js").TiledMask} TiledMask */
/** @typedef {import("./document.js").PictureDocument} PictureDocument */

/** Width of the first texture, and of the one for looking closely, in pixels. */
const WIDTHS = [4096, 8192];

/**
 * @param {WebGL2RenderingContext} gl
 * @param {number} least filter for shrinking
 * @param {number} most filter for enlarging
 */
function wrappedTexture(gl, least, most) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.REPEAT);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, least);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, most);
  return texture;
}

/** A version of the picture as a texture; loads another when asked for another version or more detail. */
export class PictureTexture {
  width = 0;
  /** Version on the card, or -1. */
  version = -1;
  #asked = "";
  #loading = new AbortController();

  /**
   * @param {WebGL2RenderingContext} gl
   * @param {PictureDocument} document
   * @param {() => void} onLoad
   * @param {(error: unknown) => void} onError
   */
  constructor(gl, document, onLoad, onError) {
    this.gl = gl;
    this.document = document;
    this.onLoad = onLoad;
    this.onError = onError;
    this.texture = wrappedTexture(gl, gl.LINEAR_MIPMAP_LINEAR, gl.LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, Uint8Array.of(90, 90, 90, 255));
    gl.generateMipmap(gl.TEXTURE_2D);
  }

  /**
   * @param {number} version
   * @param {number} wanted width in pixels that the view could show
   */
  show(version, wanted) {
    const { session } = this.document;
    const most = Math.min(session.width, this.gl.getParameter(this.gl.MAX_TEXTURE_SIZE));
    const width = Math.min(most, Math.max(this.width, wanted > WIDTHS[0] * 1.2 ? WIDTHS[1] : WIDTHS[0]));
    const key = `${version} ${width}`;
    if (key === this.#asked) return;
    this.#asked = key;
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    request(viewUrl(session.id, version, [0, 0, session.width, session.height], width), { signal })
      .then((response) => response.blob())
      .then((blob) => createImageBitmap(blob))
      .then((picture) => {
        if (!signal.aborted) this.#upload(picture, version);
        picture.close();
      })
      .catch((error) => signal.aborted || this.onError(error));
  }

  /** Frees the texture; a picture on its way is given up. */
  close() {
    this.#loading.abort();
    this.gl.deleteTexture(this.texture);
  }

  /**
   * @param {ImageBitmap} picture
   * @param {number} version
   */
  #upload(picture, version) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    gl.generateMipmap(gl.TEXTURE_2D);
    this.width = picture.width;
    this.version = version;
    this.onLoad();
  }
}

/** The mask as a one-channel texture, kept up to date tile by tile. */
export class MaskTexture {
  #clock = 0;

  /**
   * @param {WebGL2RenderingContext} gl
   * @param {TiledMask} mask
   */
  constructor(gl, mask) {
    this.gl = gl;
    this.mask = mask;
    this.texture = wrappedTexture(gl, gl.NEAREST, gl.NEAREST);
    /** Every how many pixels one goes to the card: 1 unless the picture is larger than its textures. */
    this.step = 1;
    while (Math.ceil(mask.width / this.step) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) this.step *= 2;
    const size = [Math.ceil(mask.width / this.step), Math.ceil(mask.height / this.step)];
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R8, size[0], size[1]);
    this.#upload(mask.tiles.flatMap((tile, index) => (tile ? [index] : [])));
  }

  /** Brings the tiles painted since the last call to the card. */
  update() {
    if (this.#clock !== this.mask.clock) this.#upload(this.mask.changedSince(this.#clock));
  }

  close() {
    this.gl.deleteTexture(this.texture);
  }

  /** @param {number[]} tiles */
  #upload(tiles) {
    const { gl, mask, step } = this;
    const side = TILE / step;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, side);
    for (const index of tiles) {
      const left = (index % mask.columns) * TILE;
      const top = Math.floor(index / mask.columns) * TILE;
      const width = Math.ceil(Math.min(TILE, mask.width - left) / step);
      const height = Math.ceil(Math.min(TILE, mask.height - top) / step);
      const pixels = thinned(mask.tiles[index], step);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, left / step, top / step, width, height, gl.RED, gl.UNSIGNED_BYTE, pixels);
    }
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
    this.#clock = mask.clock;
  }
}

/**
 * @param {Uint8Array | null} tile
 * @param {number} step
 */
function thinned(tile, step) {
  const side = TILE / step;
  if (!tile) return new Uint8Array(side * side);
  if (step === 1) return tile;
  return Uint8Array.from({ length: side * side }, (_, i) => tile[Math.floor(i / side) * step * TILE + (i % side) * step]);
}
