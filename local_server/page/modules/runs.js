/** Run-length packing of mask tiles: painted masks are long runs of 0 and 255, so undo costs almost no memory. */

/**
 * @param {Uint8Array} values at most 2^24 - 1 long
 * @returns {Uint32Array} one number a run: length * 256 + value
 */
export function pack(values) {
  /** @type {number[]} */
  const runs = [];
  let start = 0;
  for (let i = 1; i <= values.length; i += 1) {
    if (i < values.length && values[i] === values[start]) continue;
    runs.push((i - start) * 256 + values[start]);
    start = i;
  }
  return Uint32Array.from(runs);
}

/**
 * @param {Uint32Array} runs
 * @param {number} length of the values
 * @returns {Uint8Array}
 */
export function unpack(runs, length) {
  const values = new Uint8Array(length);
  let at = 0;
  for (const run of runs) {
    const end = at + (run >>> 8);
    values.fill(run & 255, at, end);
    at = end;
  }
  return values;
}
