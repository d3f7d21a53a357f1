/** Brush, eraser, rectangle, lasso and polygon: the same on the flat picture and on the sphere. */

/** @typedef {import("./types.js").Surface} Surface */
/** @typedef {import("./types.js").SurfacePoint} SurfacePoint */
/** @typedef {import("./gestures.js").Sample} Sample */
/** @typedef {import("./tiles.js").Edit} Edit */
/** @typedef {"hand" | "brush" | "eraser" | "rectangle" | "lasso" | "polygon"} ToolName */

/**
 * @typedef {object} ToolHost
 * @property {() => Surface} surface
 * @property {() => Edit} begin
 * @property {(edit: Edit, label: string) => void} commit
 * @property {(error: unknown) => void} fail
 * @property {() => void} refresh
 */

/** A pen at no pressure paints with this share of the size. */
const LEAST_PRESSURE = 0.25;
/** CSS pixels between points of a lasso, and within which a polygon's first point is hit. */
const LASSO_STEP = 2;
const CLOSE_WITHIN = 10;

export class Tools {
  /** @type {ToolName} */
  active = "brush";
  /** Diameter of the brush in CSS pixels: zooming in makes it finer. */
  size = 48;
  /** Shapes take away instead of adding. */
  subtract = false;
  /** Outline being drawn. @type {SurfacePoint[]} */
  outline = [];
  /** @type {Edit | null} */
  #edit = null;
  /** @type {{point: SurfacePoint, radius: number} | null} where the last stroke ended */
  #last = null;
  /** @type {Sample | null} */
  #start = null;
  #value = 255;

  /** @param {ToolHost} host */
  constructor(host) {
    this.host = host;
  }

  /** @param {ToolName} name */
  choose(name) {
    this.abort();
    this.active = name;
    this.host.refresh();
  }

  /** Another picture or surface: what was begun no longer fits. */
  reset() {
    this.abort();
    this.#last = null;
  }

  get isStroke() {
    return this.active === "brush" || this.active === "eraser";
  }

  /** Whether an outline is being drawn that Escape would drop. */
  get isDrawing() {
    return this.outline.length > 0 || this.#edit !== null;
  }

  /** @param {Sample} sample */
  down(sample) {
    const takesAway = this.isStroke ? this.active === "eraser" : this.subtract;
    this.#value = takesAway !== sample.subtract ? 0 : 255;
    if (this.isStroke) {
      this.#edit = this.host.begin();
      if (!sample.straight) this.#last = null;
      this.#paint(sample);
    } else {
      this.#start = sample;
      if (this.active !== "polygon") this.outline = [this.host.surface().pointAt(sample.x, sample.y)];
    }
    this.host.refresh();
  }

  /** @param {Sample[]} samples */
  move(samples) {
    const surface = this.host.surface();
    for (const sample of samples) {
      if (this.#edit) this.#paint(sample);
      else if (this.active === "lasso" && this.#start) this.#trace(sample);
      else if (this.active === "polygon" && this.#start) this.#start = sample;
      else if (this.active === "rectangle" && this.#start) {
        const { x, y } = this.#start;
        this.outline = [surface.pointAt(x, y), surface.pointAt(sample.x, y), surface.pointAt(sample.x, sample.y), surface.pointAt(x, sample.y)];
      }
    }
    this.host.refresh();
  }

  up() {
    if (this.#edit) {
      this.host.commit(this.#edit, this.#value ? "brush" : "eraser");
      this.#edit = null;
    } else if (this.#start && this.active === "polygon") this.#corner(this.#start); // only now: it was no pinch
    else if (this.#start) this.finish();
    this.#start = null;
    this.host.refresh();
  }

  /** The pointer that is down does not paint after all; a polygon keeps the corners it has. */
  release() {
    if (this.active === "polygon") this.#start = null;
    else this.abort();
  }

  /** Fills the outline and ends it. */
  finish() {
    const points = this.outline;
    this.outline = [];
    this.#start = null;
    if (points.length >= 3) {
      const edit = this.host.begin();
      try {
        this.host.surface().polygon(edit, points, this.#value);
        this.host.commit(edit, this.active);
      } catch (error) {
        edit.cancel();
        this.host.fail(error);
      }
    }
    this.host.refresh();
  }

  /** Drops what was begun. */
  abort() {
    if (this.#edit) this.#last = null; // no straight stroke goes on from here
    this.#edit?.cancel();
    this.#edit = null;
    this.#start = null;
    this.outline = [];
    this.host.refresh();
  }

  /** Ends what was begun as if the pointer had been lifted. */
  complete() {
    if (this.#edit) this.up();
    else if (this.isDrawing) this.finish();
  }

  /** Takes the polygon's last corner back, or drops another shape. */
  stepBack() {
    if (this.active !== "polygon") this.abort();
    this.outline = this.outline.slice(0, -1);
    this.host.refresh();
  }

  /** @param {Sample} sample */
  #paint(sample) {
    const surface = this.host.surface();
    const pressure = LEAST_PRESSURE + (1 - LEAST_PRESSURE) * sample.pressure;
    const here = { point: surface.pointAt(sample.x, sample.y), radius: surface.brushRadius((this.size / 2) * pressure) };
    const from = this.#last ?? here;
    surface.stroke(/** @type {Edit} */ (this.#edit), from.point, here.point, from.radius, here.radius, this.#value);
    this.#last = here;
  }

  /** @param {Sample} sample */
  #trace(sample) {
    const surface = this.host.surface();
    const last = surface.toScreen(this.outline[this.outline.length - 1]);
    if (last && Math.hypot(sample.x - last[0], sample.y - last[1]) < LASSO_STEP) return;
    this.outline.push(surface.pointAt(sample.x, sample.y));
  }

  /** @param {Sample} sample */
  #corner(sample) {
    const surface = this.host.surface();
    const near = (/** @type {SurfacePoint | undefined} */ point) => {
      const at = point && surface.toScreen(point);
      return at ? Math.hypot(sample.x - at[0], sample.y - at[1]) <= CLOSE_WITHIN : false;
    };
    if (this.outline.length >= 3 && (near(this.outline[0]) || near(this.outline.at(-1)))) this.finish();
    else if (!near(this.outline.at(-1))) this.outline = [...this.outline, surface.pointAt(sample.x, sample.y)];
  }
}
