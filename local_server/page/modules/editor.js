/** What the user can do, in one place: buttons, keys and tests all call these methods. */

import * as api from "./api.js";
import { Compare } from "./compare.js";
import { PictureDocument } from "./document.js";
import { element } from "./dom.js";
import { isReadable, nameFor, pickFile, saveFile } from "./files.js";
import { Notices } from "./notices.js";
import { Stage } from "./stage.js";
import { Tools } from "./tools.js";

/** @typedef {import("./document.js").Edge} Edge */

/** Where a reload finds the picture again. */
const REMEMBERED = "vanisher.session";

const CARD_LOST =
  "The graphics card was taken away from the 360° view. It comes back by itself with picture and mask; until then, work on in the flat view (V).";

/** Emits "change" when anything shown may differ. */
export class Editor extends EventTarget {
  /** @type {PictureDocument | null} */
  document = null;
  /** A photograph is being read. */
  opening = false;
  /** Format of the download; "" = as the source. */
  format = "";
  notices = new Notices();

  constructor() {
    super();
    this.stage = new Stage(
      {
        root: element("stage", HTMLElement),
        picture: element("picture", HTMLCanvasElement),
        mask: element("mask", HTMLCanvasElement),
        sphere: element("sphere", HTMLCanvasElement),
        guides: element("guides", HTMLCanvasElement),
      },
      (error) => this.notices.fail(error),
      () => this.changed(),
      (lost) => (lost ? this.notices.fail(new Error(CARD_LOST)) : this.notices.say("The 360° view is back.")),
    );
    this.compare = new Compare(this.stage);
    this.tools = new Tools({
      surface: () => /** @type {import("./types.js").Surface} */ (this.stage.view),
      begin: () => this.#open.mask.edit(),
      commit: (edit, label) => this.#open.commit(edit, label),
      fail: (error) => this.notices.fail(error),
      refresh: () => this.stage.invalidate(),
    });
    this.stage.tools = this.tools;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** How the mask grows and softens; empty = automatic. @type {Edge} */
  get edge() {
    return this.stage.edge;
  }

  set edge(edge) {
    this.stage.edge = edge;
    this.stage.invalidate();
  }

  /** Whether painting is possible now. */
  get canPaint() {
    return this.document !== null && this.document.work === null && !this.compare.isOn && !this.stage.isLost;
  }

  /**
   * Runs an action and shows what went wrong.
   *
   * @param {() => unknown} action
   */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      this.notices.fail(error);
    }
    this.changed();
  }

  async openFromPicker() {
    const file = await pickFile(element("photo-file", HTMLInputElement));
    if (file) await this.openFile(file);
  }

  /**
   * @param {File} file
   * @param {number} [more] files that came with it
   */
  async openFile(file, more = 0) {
    if (this.opening || this.document?.work) throw new api.Problem("Wait until the present work is done, or cancel it.", 0);
    if (this.document?.unsaved && !window.confirm("Open another photograph? What you did to this one and did not download is lost.")) return;
    this.opening = true;
    this.changed();
    try {
      if (!(await isReadable(file))) throw new api.Problem(`“${file.name}” cannot be read: it is a folder, or the file is gone. Choose a photograph.`, 0);
      const left = more ? [`Of ${more + 1} files this one was opened: one photograph is worked on at a time.`] : [];
      this.#show(await api.openSession(file), file.name, left);
    } finally {
      this.opening = false;
    }
  }

  /** After a reload: the picture is still on the server. */
  async restore() {
    const { id, name } = JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "{}");
    if (!id) {
      await api.request("/v1/limits"); // says early when the login is missing
      return;
    }
    try {
      this.#show(await api.getSession(id), name);
    } catch (error) {
      sessionStorage.removeItem(REMEMBERED);
      if (!(error instanceof api.Problem && error.status === 404)) throw error;
    }
  }

  /** Takes back a corner or stroke being drawn, else the last step. */
  async undo() {
    if (this.tools.isDrawing) this.tools.stepBack();
    else await this.document?.undo();
  }

  async redo() {
    this.tools.abort();
    await this.document?.redo();
  }

  async erase() {
    this.tools.complete();
    const version = await this.#open.erase(this.edge);
    this.#told(version);
  }

  async tryAnother() {
    const version = await this.#open.another(this.edge);
    this.#told(version);
  }

  /** @param {string} name of the class */
  async find(name) {
    this.tools.complete();
    const share = await this.#open.find(name);
    const what = name === "person" ? "people" : name;
    if (share === null) this.notices.say("Cancelled. Nothing was changed.");
    else if (share === 0) this.notices.say(`No ${what} found. Paint over what should go.`);
    else this.notices.say(`Marked ${what}: ${(share * 100).toFixed(share < 0.01 ? 2 : 1)} % of the picture. Correct the mask with brush and eraser, then erase.`);
  }

  async loadMask() {
    const file = await pickFile(element("mask-file", HTMLInputElement));
    if (file) await this.#open.loadMask(file);
  }

  async saveMask() {
    saveFile(await this.#open.maskFile(), nameFor(this.#open.name, "mask", "png"));
  }

  async download() {
    const { session, name } = this.#open;
    const number = session.current;
    const answer = await api.request(api.fileUrl(session.id, number, this.format));
    saveFile(await answer.blob(), nameFor(name, "vanished", this.format));
    this.#open.saved = number;
  }

  toggleCompare() {
    this.tools.abort();
    this.compare.set(!this.compare.isOn);
  }

  toggleSphere() {
    this.stage.toggleSphere();
    if (this.stage.isLost) this.notices.fail(new Error(CARD_LOST));
    this.changed();
  }

  /** @param {number} factor */
  zoomBy(factor) {
    const { width, height } = this.stage.parts.root.getBoundingClientRect();
    this.stage.view?.zoomAt(width / 2, height / 2, factor);
    this.stage.invalidate();
  }

  /** @param {"fit" | "actualSize"} how */
  zoomTo(how) {
    this.stage.view?.[how]();
    this.stage.invalidate();
  }

  /** @returns {PictureDocument} */
  get #open() {
    if (!this.document) throw new api.Problem("Open a photograph first.", 0);
    return this.document;
  }

  /**
   * @param {import("./types.js").Session} session
   * @param {string} name
   * @param {string[]} [notes] to be told with the session's own
   */
  #show(session, name, notes = []) {
    this.document?.close();
    const opened = new PictureDocument(session, name, (error) => this.notices.fail(error));
    opened.addEventListener("change", () => {
      this.stage.invalidate();
      this.changed(); // at once: a button must not stay enabled until the next frame
    });
    this.document = opened;
    this.compare.set(false);
    this.stage.open(opened);
    sessionStorage.setItem(REMEMBERED, JSON.stringify({ id: session.id, name }));
    const told = [...notes, ...session.notes];
    if (told.length) this.notices.say(told.join(" "));
    else this.notices.hide();
  }

  /** @param {import("./types.js").Version | null} version */
  #told(version) {
    if (version === null) this.notices.say("Cancelled. Nothing was changed.");
    else if (version.notes.length) this.notices.say(version.notes.join(" "));
    else this.notices.hide();
  }
}
