/**
 * Turns pointers into strokes and movements: one pointer paints; the wheel, two fingers, the middle or right button and
 * space-drag move the view.
 *
 * Once a pen has been seen, fingers only move the view, so that a resting hand does not paint; while the pen is down they
 * do nothing at all, so that the hand does not disturb the stroke either.
 */

/**
 * @typedef {object} Sample
 * @property {number} x CSS pixels of the stage
 * @property {number} y
 * @property {number} pressure 0 to 1 of a pen, 1 of everything else
 * @property {boolean} straight shift is held
 * @property {boolean} subtract alt is held, or the pen's eraser is used
 *
 * @typedef {object} GestureTarget
 * @property {() => boolean} movesView whether a plain drag moves the view (hand tool, or nothing to paint on)
 * @property {(sample: Sample) => void} down
 * @property {(samples: Sample[]) => void} move
 * @property {() => void} up
 * @property {() => void} abort the stroke turned out to be a pinch
 * @property {(at: Sample | null) => void} hover null: the pointer left
 * @property {(dx: number, dy: number) => void} pan
 * @property {(x: number, y: number, factor: number) => void} zoom
 */

/** A wheel notch (100 units) zooms by about a fifth. */
const WHEEL_RATE = 0.0018;

export class Gestures {
  /** Space is held. */
  spaceHeld = false;
  /** @type {Map<number, {x: number, y: number}>} pointers on the stage */
  #pointers = new Map();
  /** @type {number | null} pointer that paints */
  #painter = null;
  #penSeen = false;
  #penDown = false;

  /**
   * @param {HTMLElement} stage
   * @param {GestureTarget} target
   */
  constructor(stage, target) {
    this.stage = stage;
    this.target = target;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", (event) => this.#up(event));
    stage.addEventListener("pointerleave", () => this.target.hover(null));
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (/** @type {HTMLElement} */ (event.target).closest("[data-own-pointer]")) return;
    if (event.pointerType === "touch" && this.#penDown) return;
    if (event.pointerType === "pen") this.#penComes();
    this.stage.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#place(event));
    if (this.#pointers.size > 1) {
      if (this.#painter !== null) this.target.abort();
      this.#painter = null;
    } else if (this.#paints(event)) {
      this.#painter = event.pointerId;
      this.target.down(this.#sample(event));
    }
  }

  /** The hand may have been down before the pen: what it began is dropped, and it no longer counts. */
  #penComes() {
    this.#penSeen = true;
    this.#penDown = true;
    if (this.#painter !== null) this.target.abort();
    this.#painter = null;
    this.#pointers.clear();
  }

  /** @param {PointerEvent} event */
  #paints(event) {
    const firstButton = event.button === 0 || event.button === 5;
    const palm = event.pointerType === "touch" && this.#penSeen;
    return firstButton && !this.spaceHeld && !palm && !this.target.movesView();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    const now = this.#place(event);
    if (event.pointerType === "pen") this.#penSeen = true;
    if (!before) {
      if (event.pointerType !== "touch") this.target.hover(this.#sample(event));
      return;
    }
    if (event.pointerId === this.#painter) {
      const events = event.getCoalescedEvents?.() ?? [];
      this.target.move((events.length ? events : [event]).map((each) => this.#sample(each)));
      this.target.hover(this.#sample(event));
    } else if (this.#pointers.size === 2) this.#pinch(event.pointerId, before, now);
    else this.target.pan(now.x - before.x, now.y - before.y);
    this.#pointers.set(event.pointerId, now);
  }

  /**
   * @param {number} id of the finger that moved
   * @param {{x: number, y: number}} before
   * @param {{x: number, y: number}} now
   */
  #pinch(id, before, now) {
    const [, other] = [...this.#pointers].find(([key]) => key !== id) ?? [0, now];
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    this.target.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    const spread = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    this.target.zoom(middle.x, middle.y, spread);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.#pointers.delete(event.pointerId);
    if (event.pointerType === "pen") this.#penDown = false;
    if (event.pointerId !== this.#painter) return;
    this.#painter = null;
    if (event.type === "pointercancel") this.target.abort();
    else this.target.up();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const { x, y } = this.#place(event);
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    const rate = event.ctrlKey ? WHEEL_RATE * 6 : WHEEL_RATE; // a pinch on a trackpad comes as small ctrl-wheel steps
    if (event.shiftKey) this.target.pan(-(event.deltaX || event.deltaY) * unit, 0);
    else this.target.zoom(x, y, Math.exp(-event.deltaY * unit * rate));
  }

  /** @param {MouseEvent} event */
  #place(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /**
   * @param {PointerEvent} event
   * @returns {Sample}
   */
  #sample(event) {
    return {
      ...this.#place(event),
      pressure: event.pointerType === "pen" && event.pressure > 0 ? event.pressure : 1,
      straight: event.shiftKey,
      subtract: event.altKey || (event.buttons & 32) !== 0,
    };
  }
}
