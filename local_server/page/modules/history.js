/** One history of strokes and fills, so that undo always takes back what was done last. */

/** @typedef {import("./tiles.js").Change} Change */
/**
 * @typedef {object} Step
 * @property {string} label what the user did
 * @property {Change | null} mask the change of the mask
 * @property {{from: number, to: number} | null} fill version before and after
 */

/** Packed mask changes kept for undo, in bytes; the oldest go first. */
const MOST_BYTES = 256 * 1024 * 1024;

export class History {
  /** @type {Step[]} */
  #past = [];
  /** @type {Step[]} */
  #future = [];

  /** Label of what undo would take back, or null. */
  get undoLabel() {
    return this.#past.at(-1)?.label ?? null;
  }

  /** Label of what redo would do again, or null. */
  get redoLabel() {
    return this.#future.at(-1)?.label ?? null;
  }

  /** The last step done. */
  get last() {
    return this.#past.at(-1) ?? null;
  }

  /** The step that redo would do. */
  get next() {
    return this.#future.at(-1) ?? null;
  }

  /** @param {Step} step */
  push(step) {
    this.#past.push(step);
    this.#future = [];
    let bytes = this.#past.reduce((sum, each) => sum + (each.mask?.bytes ?? 0), 0);
    while (bytes > MOST_BYTES && this.#past.length > 1) bytes -= this.#past.shift()?.mask?.bytes ?? 0;
  }

  /** Moves the last step to what can be done again. */
  stepBack() {
    const step = this.#past.pop();
    if (step) this.#future.push(step);
  }

  /** Moves the next step to what was done. */
  stepForward() {
    const step = this.#future.pop();
    if (step) this.#past.push(step);
  }
}
