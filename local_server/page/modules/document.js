/** The open picture: its session on the server, the mask, the history, and the work going on. Knows no screen. */

import * as api from "./api.js";
import { History } from "./history.js";
import { mergeMaskFile } from "./maskfile.js";
import { encodeMask } from "./png.js";
import { Pyramid } from "./pyramid.js";
import { TiledMask } from "./tiles.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Version} Version */
/** @typedef {import("./tiles.js").Edit} Edit */
/** @typedef {{grow?: number, feather?: number}} Edge pixels; left out = automatic */
/** @typedef {{title: string, job: Job | null}} Work */
/** @typedef {{mask: Blob, base: number, seed: number}} Fill */

/** Emits "change" whenever anything that is shown may differ. */
export class PictureDocument extends EventTarget {
  /** What is being done, or null. @type {Work | null} */
  work = null;
  history = new History();
  /** Version last saved as a file; 0, because the user has the original. */
  saved = 0;
  #cancelled = false;
  /** How each version made here was asked for. @type {Map<number, Fill>} */
  #fills = new Map();

  /**
   * @param {Session} session
   * @param {string} name file name of the photograph
   * @param {(error: unknown) => void} onError
   */
  constructor(session, name, onError) {
    super();
    this.session = session;
    this.name = name;
    /** Whether fills go round the sphere: seam and poles. */
    this.panorama = session.panorama;
    /** Whether the shadows of what goes are lifted too; on the sphere only. */
    this.relight = false;
    this.mask = new TiledMask(session.width, session.height);
    this.pyramid = new Pyramid(session, () => this.changed(), onError);
    this.#rebuildHistory();
  }

  /** The version on the screen. */
  get version() {
    return this.session.versions[this.session.current];
  }

  /** Whether closing would lose something. */
  get unsaved() {
    return this.session.current !== this.saved || !this.mask.isEmpty;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Lets go of the memory here and on the server. */
  close() {
    this.pyramid.close();
    api.closeSession(this.session.id).catch(() => {}); // it expires by itself
  }

  /**
   * Ends an edit of the mask and remembers it.
   *
   * @param {Edit} edit
   * @param {string} label
   */
  commit(edit, label) {
    const change = edit.commit();
    if (change) this.history.push({ label, mask: change, fill: null });
    this.changed();
  }

  clearMask() {
    const edit = this.mask.edit();
    edit.clear();
    this.commit(edit, "clear mask");
  }

  /** @param {Blob} file */
  async loadMask(file) {
    const edit = this.mask.edit();
    try {
      await mergeMaskFile(edit, file);
    } catch (error) {
      edit.cancel();
      throw error;
    }
    this.commit(edit, "load mask");
  }

  /** @returns {Promise<Blob>} PNG */
  maskFile() {
    return encodeMask(this.mask);
  }

  undo() {
    return this.#travel(this.history.last, "before", (step) => step.from, () => this.history.stepBack());
  }

  redo() {
    return this.#travel(this.history.next, "after", (step) => step.to, () => this.history.stepForward());
  }

  /**
   * Erases what is painted.
   *
   * @param {Edge} edge
   * @returns {Promise<Version | null>} the new version; null when cancelled
   */
  async erase(edge) {
    if (this.mask.isEmpty) throw new api.Problem("Nothing is marked yet. Paint over what should go, or find people.", 0);
    const mask = await this.maskFile();
    return this.#fill(edge, { mask, base: this.session.current, seed: 0 }, () => {
      const edit = this.mask.edit();
      edit.clear();
      return edit.commit();
    });
  }

  /** Whether the picture on the screen is a fill that can be made again. */
  get canTryAnother() {
    return this.mask.isEmpty && this.#fills.has(this.session.current);
  }

  /**
   * Fills the same place again with another seed; undo goes back to the fill before.
   *
   * @param {Edge} edge
   * @returns {Promise<Version | null>} null when cancelled
   */
  async another(edge) {
    const fill = this.#fills.get(this.session.current);
    if (!fill) throw new api.Problem("There is no fill to try again. Paint over what should go, then erase.", 0);
    return this.#fill(edge, { ...fill, seed: fill.seed + 1 }, () => null);
  }

  /**
   * Adds what the segmenter finds to the mask.
   *
   * @param {string} name of the class
   * @returns {Promise<number | null>} share of the picture it covers; null when cancelled
   */
  async find(name) {
    return this.#busy(`Looking for ${name === "person" ? "people" : name}`, async () => {
      const job = await this.#follow(
        api.startSegment(this.session.id, { classes: name, version: this.session.current, panorama: this.#asPanorama }),
      );
      if (!job) return null;
      const share = job.result.classes[name]?.share ?? 0;
      if (share > 0) {
        const edit = this.mask.edit();
        await mergeMaskFile(edit, await (await api.request(job.urls.result)).blob());
        this.commit(edit, name === "person" ? "find people" : `find ${name}`);
      }
      return share;
    });
  }

  /** Stops the work going on. */
  cancel() {
    this.#cancelled = true;
    if (this.work?.job) api.cancelJob(this.work.job).catch(() => {}); // it may have ended meanwhile
  }

  /**
   * @param {Edge} edge
   * @param {Fill} fill
   * @param {() => import("./tiles.js").Change | null} afterwards changes the mask once the fill is there
   * @returns {Promise<Version | null>}
   */
  #fill(edge, fill, afterwards) {
    return this.#busy("Erasing", async () => {
      const { mask, base, seed } = fill;
      const job = await this.#follow(
        api.startErase(this.session.id, { mask, version: base, ...edge, seed, panorama: this.#asPanorama, relight: this.#relit }),
      );
      if (!job) return null;
      const version = /** @type {Version} */ (job.result.version);
      const from = this.session.current;
      this.session.versions[version.number] = version;
      this.session.current = version.number;
      this.#fills.set(version.number, fill);
      this.history.push({ label: "erase", mask: afterwards(), fill: { from, to: version.number } });
      return version;
    });
  }

  /** The form field: left out unless the picture is a panorama. */
  get #asPanorama() {
    return this.panorama ? "true" : undefined;
  }

  /** The form field: left out unless the light is to change. */
  get #relit() {
    return this.panorama && this.relight ? "true" : undefined;
  }

  /**
   * @template T
   * @param {string} title
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  async #busy(title, action) {
    if (this.work) throw new api.Problem("Wait until the present work is done, or cancel it.", 0);
    this.#cancelled = false;
    this.work = { title, job: null };
    this.changed();
    try {
      return await action();
    } finally {
      this.work = null;
      this.changed();
    }
  }

  /**
   * @param {Promise<Job>} started
   * @returns {Promise<Job | null>} the finished job; null when cancelled
   */
  async #follow(started) {
    let job = await started;
    const show = (/** @type {Job} */ now) => {
      if (this.work) this.work.job = now;
      this.changed();
    };
    show(job);
    if (this.#cancelled) this.cancel();
    job = await api.followJob(job, show);
    if (job.state === "cancelled") return null;
    if (job.state === "failed") {
      throw new api.Problem(job.problem?.detail || job.problem?.title || "The work failed; the daemon's log says why.", job.problem?.status ?? 0);
    }
    return job;
  }

  /**
   * @param {import("./history.js").Step | null} step
   * @param {"before" | "after"} side
   * @param {(fill: {from: number, to: number}) => number} target
   * @param {() => void} move
   */
  async #travel(step, side, target, move) {
    if (!step || this.work) return;
    const { fill } = step;
    if (fill) {
      const answer = await this.#busy("Changing version", () => api.chooseVersion(this.session.id, target(fill)));
      this.session.current = answer.current;
    }
    if (step.mask) this.mask.apply(step.mask, side);
    move();
    this.changed();
  }

  /** After a reload: the fills that led to the present version can still be undone. */
  #rebuildHistory() {
    const { versions, current } = this.session;
    /** @type {{from: number, to: number}[]} */
    const fills = [];
    for (let at = versions[current]; at.parent !== null; at = versions[at.parent]) fills.unshift({ from: at.parent, to: at.number });
    for (const fill of fills) this.history.push({ label: "erase", mask: null, fill });
  }
}
