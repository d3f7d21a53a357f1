/** Keyboard shortcuts, and the help sheet that lists them. */

import { ACTIONS, BY_ID, MOVEMENTS } from "./actions.js";
import { element, make } from "./dom.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./actions.js").Action} Action */

/** CSS pixels an arrow key moves the view by. */
const ARROW_STEP = 60;

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** @type {Map<string, Action>} */
const BY_KEY = new Map([...BY_ID.values()].flatMap((action) => action.keys.map((key) => [key.toLowerCase(), action])));

/**
 * @param {KeyboardEvent} event
 * @returns {string} such as "ctrl+shift+z"; the command key of a Mac counts as Ctrl
 */
export function combination(event) {
  const letter = /^[a-z]$/i.test(event.key);
  const shift = event.shiftKey && (letter || event.key.length > 1);
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${shift ? "shift+" : ""}${event.key.toLowerCase()}`;
}

/**
 * @param {Editor} editor
 * @param {import("./gestures.js").Gestures} gestures
 */
export function bindKeys(editor, gestures) {
  window.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    if (target.closest("input:not([type=range], [type=checkbox], [type=radio]), select, textarea")) return;
    const onControl = Boolean(target.closest("button, input, a, summary"));
    if (event.key === " " && !onControl) {
      event.preventDefault();
      gestures.spaceHeld = true;
      editor.stage.parts.root.classList.add("is-panning");
    } else if (!handle(editor, event, onControl)) return;
    else event.preventDefault();
  });
  const release = () => {
    gestures.spaceHeld = false;
    editor.stage.parts.root.classList.remove("is-panning");
  };
  window.addEventListener("keyup", (event) => event.key === " " && release());
  window.addEventListener("blur", release);
}

/**
 * @param {Editor} editor
 * @param {KeyboardEvent} event
 * @param {boolean} onControl the focus is on a button or a slider, which has its own Enter and arrows
 * @returns {boolean} whether the key did something
 */
function handle(editor, event, onControl) {
  const { tools, stage } = editor;
  if (tools.active === "polygon" && tools.isDrawing && (event.key === "Enter" || event.key === "Backspace")) {
    if (event.key === "Enter") tools.finish();
    else tools.stepBack();
    return true;
  }
  if (onControl && (event.key === "Enter" || event.key in ARROWS)) return false;
  if (event.key in ARROWS && stage.view && !event.ctrlKey && !event.metaKey) {
    const [x, y] = ARROWS[event.key];
    stage.view.panBy(x * ARROW_STEP, y * ARROW_STEP);
    stage.invalidate();
    return true;
  }
  const action = BY_KEY.get(combination(event));
  if (!action) return false;
  if (action.enabled?.(editor) ?? true) editor.attempt(() => action.run(editor));
  return true;
}

/** Fills the help sheet. */
export function fillHelp() {
  const sheet = element("help-list", HTMLElement);
  for (const [heading, actions] of ACTIONS) {
    const rows = actions.filter((action) => action.keys.length).map((action) => [action.keys[0], action.label]);
    sheet.append(section(heading, rows));
  }
  sheet.append(section("Pointer", MOVEMENTS));
}

/**
 * @param {string} heading
 * @param {string[][]} rows
 */
function section(heading, rows) {
  const part = make("section");
  const list = make("dl");
  for (const [keys, label] of rows) {
    const row = make("div");
    row.append(make("dt", label), make("dd", keys));
    list.append(row);
  }
  part.append(make("h3", heading), list);
  return part;
}
