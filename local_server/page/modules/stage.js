/** The stage: canvases, the view that is open (flat or sphere), the brush's outline, and one drawing per frame. */

import { FlatView } from "./flatview.js";
import { SphereView } from "./sphereview.js";

/** @typedef {import("./document.js").PictureDocument} PictureDocument */
/** @typedef {import("./gestures.js").Sample} Sample */
/** @typedef {import("./types.js").Point2} Point2 */
/** @typedef {import("./tools.js").Tools} Tools */

export class Stage {
  /** @type {FlatView | SphereView | null} */
  view = null;
  /** @type {PictureDocument | null} */
  document = null;
  /** Share of the width left of which the original shows; null: not comparing. @type {number | null} */
  compareAt = null;
  /** How the mask will grow and soften; empty = automatic. @type {import("./document.js").Edge} */
  edge = {};
  /** @type {Sample | null} */
  pointer = null;
  /** @type {Tools | null} */
  tools = null;
  #frame = 0;

  /**
   * @param {{root: HTMLElement, picture: HTMLCanvasElement, mask: HTMLCanvasElement, sphere: HTMLCanvasElement, guides: HTMLCanvasElement}} parts
   * @param {(error: unknown) => void} onError
   * @param {() => void} onDraw after each drawing
   * @param {(lost: boolean) => void} onCard the 360° view lost the graphics card, or has it again
   */
  constructor(parts, onError, onDraw, onCard) {
    this.parts = parts;
    this.onError = onError;
    this.onDraw = onDraw;
    this.onCard = onCard;
    new ResizeObserver(() => this.#resize()).observe(parts.root);
    this.#keepCanvases();
  }

  /** Browsers take graphics memory away: when the driver is reset, the machine sleeps, or too many pages want some. */
  #keepCanvases() {
    const { picture, mask, sphere, guides } = this.parts;
    for (const canvas of [picture, mask, guides]) canvas.addEventListener("contextrestored", () => this.#resize());
    sphere.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // else it would never come back
      if (!(this.view instanceof SphereView)) return;
      this.view.close();
      this.onCard(true);
    });
    sphere.addEventListener("webglcontextrestored", () => {
      if (!(this.view instanceof SphereView)) return;
      try {
        this.view.build();
        this.onCard(false);
      } catch (error) {
        this.toggleSphere();
        this.onError(error);
      }
      this.invalidate();
    });
  }

  get isSphere() {
    return this.view instanceof SphereView;
  }

  /** Whether the 360° view is on and cannot be drawn. */
  get isLost() {
    return this.view instanceof SphereView && this.view.card === null;
  }

  /** @param {PictureDocument | null} document */
  open(document) {
    this.document = document;
    this.compareAt = null;
    this.#show(document && new FlatView(this.parts.picture, this.parts.mask, document));
  }

  /** Changes between the flat picture and the look from inside. */
  toggleSphere() {
    const { document, parts } = this;
    if (!document) return;
    if (this.isSphere) this.#show(new FlatView(parts.picture, parts.mask, document));
    else this.#show(new SphereView(parts.sphere, document, () => this.invalidate(), this.onError));
  }

  /** @param {FlatView | SphereView | null} view */
  #show(view) {
    if (this.view instanceof SphereView) this.view.close();
    this.view = view;
    this.tools?.reset();
    this.parts.sphere.hidden = !this.isSphere;
    this.parts.picture.hidden = this.isSphere;
    this.parts.mask.hidden = this.isSphere;
    this.#resize();
    view?.fit();
    this.invalidate();
  }

  #resize() {
    const { root, guides } = this.parts;
    const { width, height } = root.getBoundingClientRect();
    if (width < 2 || height < 2) return; // hidden
    const ratio = window.devicePixelRatio || 1;
    guides.width = Math.round(width * ratio);
    guides.height = Math.round(height * ratio);
    this.view?.resize(width, height, ratio);
    this.invalidate(true);
  }

  /**
   * Draws on the next frame.
   *
   * @param {boolean} [now] draw at once: a canvas of another size is empty
   */
  invalidate(now = false) {
    if (now) {
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      this.#draw();
    } else this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    if (this.view) {
      this.view.draw({ compareAt: this.compareAt, edge: this.edge });
      this.#drawGuides(this.view);
    }
    this.onDraw();
  }

  /** @param {FlatView | SphereView} view */
  #drawGuides(view) {
    const { tools, pointer } = this;
    const { guides } = this.parts;
    const isNeeded = tools && this.compareAt === null && (tools.outline.length > 0 || (tools.isStroke && pointer !== null));
    guides.hidden = !isNeeded; // Chromium does not always show that a canvas was only cleared
    if (!isNeeded) return;
    const context = /** @type {CanvasRenderingContext2D} */ (guides.getContext("2d"));
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.clearRect(0, 0, guides.width, guides.height);
    const corners = /** @type {Point2[]} */ (tools.outline.map((point) => view.toScreen(point)).filter((point) => point !== null));
    if (tools.active === "polygon" && pointer && corners.length) corners.push([pointer.x, pointer.y]);
    trace(context, corners, tools.active === "rectangle");
    if (tools.active === "polygon") for (const corner of corners.slice(0, -1)) dot(context, corner);
    if (tools.isStroke && pointer) {
      const centre = view.pointAt(pointer.x, pointer.y);
      const pressure = 0.25 + 0.75 * pointer.pressure;
      trace(context, view.outline(centre, view.brushRadius((tools.size / 2) * pressure)), true);
    }
  }
}

/**
 * A line that shows on light and on dark ground.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Point2[]} points
 * @param {boolean} closed
 */
function trace(context, points, closed) {
  if (points.length < 2) return;
  context.beginPath();
  points.forEach(([x, y]) => context.lineTo(x, y));
  if (closed) context.closePath();
  context.lineWidth = 3;
  context.strokeStyle = "rgb(0 0 0 / 55%)";
  context.stroke();
  context.lineWidth = 1.25;
  context.strokeStyle = "#fff";
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point2} centre
 */
function dot(context, [x, y]) {
  context.beginPath();
  context.arc(x, y, 4, 0, 2 * Math.PI);
  context.fillStyle = "#fff";
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = "rgb(0 0 0 / 55%)";
  context.stroke();
}
