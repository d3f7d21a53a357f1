/** Buttons, sliders and read-outs: what they do, and how they show the editor's state. */

import { BY_ID } from "./actions.js";
import { element, show } from "./dom.js";

/** @typedef {import("./editor.js").Editor} Editor */

const size = element("size", HTMLInputElement);
const automatic = element("automatic", HTMLInputElement);
const grow = element("grow", HTMLInputElement);
const soften = element("soften", HTMLInputElement);
const panorama = element("panorama", HTMLInputElement);
const relight = element("relight", HTMLInputElement);
const format = element("format", HTMLSelectElement);

/** @param {Editor} editor */
export function bindControls(editor) {
  for (const button of document.querySelectorAll("button[data-action]")) {
    const action = BY_ID.get(/** @type {HTMLElement} */ (button).dataset.action ?? "");
    if (!action) throw new Error(`No action for ${button.outerHTML}`);
    const key = action.keys[0];
    if (key) {
      button.setAttribute("aria-keyshortcuts", key.replace("Ctrl", "Control"));
      /** @type {HTMLElement} */ (button).title = `${button.getAttribute("aria-label") ?? button.textContent?.trim()} (${key})`;
    }
    const inSheet = button.closest(".panel") !== null;
    button.addEventListener("click", () => {
      if (inSheet) showSheet(false); // on a narrow screen it lies over the picture
      editor.attempt(() => action.run(editor));
    });
  }
  size.addEventListener("input", () => {
    editor.tools.size = size.valueAsNumber;
    editor.changed();
  });
  for (const input of [automatic, grow, soften]) input.addEventListener("input", () => readEdge(editor));
  panorama.addEventListener("change", () => {
    if (editor.document) editor.document.panorama = panorama.checked;
    editor.stage.invalidate();
    editor.changed();
  });
  relight.addEventListener("change", () => {
    if (editor.document) editor.document.relight = relight.checked;
  });
  format.addEventListener("change", () => (editor.format = format.value));
  element("options", HTMLButtonElement).addEventListener("click", () => showSheet(!document.body.classList.contains("is-sheet-open")));
  element("theme", HTMLButtonElement).addEventListener("click", toggleTheme);
  editor.addEventListener("change", () => showState(editor));
  showState(editor);
}

/** @param {Editor} editor */
function readEdge(editor) {
  soften.max = grow.value; // the soft edge lies inside the grown ring
  editor.edge = automatic.checked ? {} : { grow: grow.valueAsNumber, feather: soften.valueAsNumber };
  editor.changed();
}

/** @param {boolean} open */
function showSheet(open) {
  document.body.classList.toggle("is-sheet-open", open);
  element("options", HTMLButtonElement).setAttribute("aria-expanded", String(open));
}

/** Light or dark against what the system says; kept for the next time. */
function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("vanisher.theme", root.dataset.theme);
}

/** @param {Editor} editor */
function showState(editor) {
  for (const button of document.querySelectorAll("button[data-action]")) {
    const action = BY_ID.get(/** @type {HTMLElement} */ (button).dataset.action ?? "");
    /** @type {HTMLButtonElement} */ (button).disabled = !(action?.enabled?.(editor) ?? true);
    if (action?.pressed) button.setAttribute("aria-pressed", String(action.pressed(editor)));
  }
  showPicture(editor);
  showWork(editor);
  showSettings(editor);
}

/** @param {Editor} editor */
function showPicture({ document: picture, stage, opening, compare, tools }) {
  const root = element("stage", HTMLElement);
  document.body.classList.toggle("has-picture", picture !== null);
  element("welcome", HTMLElement).hidden = picture !== null || opening;
  root.dataset.tool = compare.isOn ? "none" : tools.active;
  if (!picture) return;
  const { width, height, format: kind, dtype } = picture.session;
  const depth = { uint8: "8 bit", uint16: "16 bit", float32: "32 bit float" }[dtype] ?? dtype;
  show("name", picture.name);
  show("facts", `${width} × ${height} · ${kind} · ${depth}`);
  const share = (stage.view?.zoom() ?? 1) * 100;
  show("zoom", `${share < 10 ? share.toFixed(1) : Math.round(share)} %`);
  show("same-format", `Original (${kind})`);
  const { undoLabel, redoLabel } = picture.history;
  element("undo-button", HTMLElement).setAttribute("aria-label", `Undo ${undoLabel ?? ""}`.trim());
  element("redo-button", HTMLElement).setAttribute("aria-label", `Redo ${redoLabel ?? ""}`.trim());
}

/** @param {Editor} editor */
function showWork({ document: picture, opening }) {
  const work = picture?.work ?? null;
  const job = work?.job ?? null;
  const bar = element("progress", HTMLProgressElement);
  element("work", HTMLElement).hidden = !work && !opening;
  element("cancel-work", HTMLButtonElement).hidden = !work;
  if (job && job.state === "running") bar.value = job.progress;
  else bar.removeAttribute("value");
  const waiting = job?.state === "queued" && job.place > 0 ? `Waiting: ${job.place} before this` : "";
  const sentence = opening ? "Reading the photograph" : waiting || job?.text || work?.title || "";
  show("work-text", sentence);
  element("stage", HTMLElement).setAttribute("aria-busy", String(Boolean(work) || opening));
}

/** @param {Editor} editor */
function showSettings({ document: picture, tools, edge }) {
  size.value = String(tools.size);
  show("size-value", `${tools.size} px`);
  show("grow-value", automatic.checked ? "auto" : `${grow.value} px`);
  show("soften-value", automatic.checked ? "auto" : `${soften.value} px`);
  grow.disabled = edge.grow === undefined;
  soften.disabled = edge.grow === undefined;
  element("panorama-row", HTMLElement).hidden = !picture?.session.panorama;
  panorama.checked = picture?.panorama ?? false;
  relight.checked = picture?.relight ?? false;
  relight.disabled = !panorama.checked; // only what is filled on the sphere can be relit
}
