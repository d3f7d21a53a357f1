/** The before/after divider on the stage: dragged, or moved with the arrow keys. */

import { element } from "./dom.js";

/** @typedef {import("./stage.js").Stage} Stage */

const STEP = 0.02;

export class Compare {
  #handle = element("divider", HTMLElement);
  #tags = element("compare-tags", HTMLElement);

  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    this.#handle.addEventListener("pointerdown", (event) => this.#handle.setPointerCapture(event.pointerId));
    this.#handle.addEventListener("pointermove", (event) => {
      if (!this.#handle.hasPointerCapture(event.pointerId)) return;
      const box = stage.parts.root.getBoundingClientRect();
      this.#move((event.clientX - box.left) / box.width);
    });
    this.#handle.addEventListener("keydown", (event) => this.#key(event));
  }

  get isOn() {
    return this.stage.compareAt !== null;
  }

  /** @param {boolean} on */
  set(on) {
    this.#handle.hidden = !on;
    this.#tags.hidden = !on;
    this.stage.compareAt = null;
    if (on) {
      this.#move(0.5);
      this.#handle.focus({ preventScroll: true });
    }
    this.stage.invalidate();
  }

  /** @param {number} share of the stage's width */
  #move(share) {
    const at = Math.max(0, Math.min(1, share));
    this.stage.compareAt = at;
    this.#handle.style.left = `${at * 100}%`;
    this.#handle.setAttribute("aria-valuenow", String(Math.round(at * 100)));
    this.stage.invalidate();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const at = this.stage.compareAt ?? 0.5;
    /** @type {Record<string, number>} */
    const places = { ArrowLeft: at - STEP, ArrowDown: at - STEP, ArrowRight: at + STEP, ArrowUp: at + STEP, Home: 0, End: 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    event.stopPropagation();
    this.#move(places[event.key]);
  }
}
