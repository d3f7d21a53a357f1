/**
 * The ring by which an erasure will grow the mask: the rule of `vanisher_core.mask.grown` for a growth that was chosen.
 *
 * Worked on a grid: at 100 % and nearer its cells are the photograph's pixels, and the ring is the core's own to the pixel;
 * from further away they are the screen's, and it is right to one of them. Distances are exact (Felzenszwalb and
 * Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012).
 */

/** Softer values of the mask than this do not grow. */
export const SOFT_FLOOR = 16;

/**
 * How strongly each cell of a grid will be erased.
 *
 * @param {Uint8Array} marks row by row, the mask's values
 * @param {number} width of the grid
 * @param {number} step image pixels per cell
 * @param {{grow: number, feather: number}} edge image pixels
 * @returns {Uint8Array} 255 on the object and near it, falling inside the ring, 0 outside
 */
export function ringOf(marks, width, step, { grow, feather }) {
  const squares = squaredDistances(marks, width);
  const ring = new Uint8Array(marks.length);
  for (let i = 0; i < ring.length; i += 1) {
    const away = Math.sqrt(squares[i]) * step;
    if (away > grow) continue;
    const share = Math.min(1, (grow + 1 - away) / (feather + 1));
    ring[i] = Math.max(1, Math.round(255 * share * share * (3 - 2 * share)));
  }
  return ring;
}

/**
 * @param {Uint8Array} marks
 * @param {number} width
 * @returns {Float64Array} squared distance from each cell to the nearest marked one; Infinity where there is none
 */
function squaredDistances(marks, width) {
  const squares = Float64Array.from(marks, (value) => (value >= SOFT_FLOOR ? 0 : Infinity));
  const height = marks.length / width;
  const line = new Line(Math.max(width, height));
  for (let x = 0; x < width; x += 1) line.transform(squares, x, width, height);
  for (let y = 0; y < height; y += 1) line.transform(squares, y * width, 1, width);
  return squares;
}

/** One row or column at a time: the lower envelope of the parabolas that stand on its cells. */
class Line {
  /** @param {number} length of the longest line */
  constructor(length) {
    this.values = new Float64Array(length);
    /** Cells whose parabolas make the envelope, and where each begins. */
    this.feet = new Int32Array(length);
    this.from = new Float64Array(length);
  }

  /**
   * @param {Float64Array} squares changed in place
   * @param {number} first index of the line's first cell
   * @param {number} stride
   * @param {number} count of cells
   */
  transform(squares, first, stride, count) {
    const { values, feet, from } = this;
    let last = -1;
    for (let q = 0; q < count; q += 1) {
      const value = squares[first + q * stride];
      values[q] = value;
      if (value === Infinity) continue;
      let start = -Infinity;
      for (; last >= 0; last -= 1) {
        const foot = feet[last];
        start = (value + q * q - values[foot] - foot * foot) / (2 * (q - foot));
        if (start > from[last]) break;
      }
      last += 1;
      feet[last] = q;
      from[last] = last === 0 ? -Infinity : start;
    }
    if (last < 0) return;
    for (let q = 0, k = 0; q < count; q += 1) {
      while (k < last && from[k + 1] < q) k += 1;
      squares[first + q * stride] = (q - feet[k]) ** 2 + values[feet[k]];
    }
  }
}
