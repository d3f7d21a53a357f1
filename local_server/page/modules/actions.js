/** Every command with its keys: buttons, shortcuts and the help sheet are made from this one table. */

import { element } from "./dom.js";

/** @typedef {import("./editor.js").Editor} Editor */

/**
 * @typedef {object} Action
 * @property {string} id the `data-action` of its buttons
 * @property {string} label in the help sheet
 * @property {string[]} keys as `combination` writes them; the first one is shown
 * @property {(editor: Editor) => unknown} run
 * @property {(editor: Editor) => boolean} [enabled] default: always
 * @property {(editor: Editor) => boolean} [pressed] for buttons that stay down
 */

const opened = (/** @type {Editor} */ editor) => editor.document !== null;
const idle = (/** @type {Editor} */ editor) => editor.document !== null && editor.document.work === null;
const painted = (/** @type {Editor} */ editor) => idle(editor) && !editor.document?.mask.isEmpty;

/**
 * @param {import("./tools.js").ToolName} name
 * @param {string} label
 * @param {string} key
 * @returns {Action}
 */
const tool = (name, label, key) => ({
  id: name,
  label,
  keys: [key],
  run: (editor) => {
    if (editor.compare.isOn) editor.toggleCompare();
    editor.tools.choose(name);
  },
  pressed: (editor) => editor.tools.active === name,
});

/** @type {[string, Action[]][]} headings and their actions */
export const ACTIONS = [
  [
    "Mark",
    [
      tool("brush", "Brush", "B"),
      tool("eraser", "Eraser (takes away from the mask)", "E"),
      tool("rectangle", "Rectangle", "R"),
      tool("lasso", "Lasso", "L"),
      tool("polygon", "Polygon: click corners, Enter closes", "P"),
      tool("hand", "Hand: move the view", "H"),
      { id: "smaller", label: "Smaller brush", keys: ["["], run: ({ tools }) => resize(tools, 1 / 1.2) },
      { id: "larger", label: "Larger brush", keys: ["]"], run: ({ tools }) => resize(tools, 1.2) },
      { id: "subtract", label: "Shapes add or take away", keys: ["X"], run: ({ tools }) => (tools.subtract = !tools.subtract), pressed: ({ tools }) => tools.subtract },
      { id: "people", label: "Find people", keys: ["F"], run: (editor) => editor.find("person"), enabled: idle },
      { id: "furniture", label: "Find furniture", keys: ["Shift+F"], run: (editor) => editor.find("furniture"), enabled: idle },
      { id: "clear-mask", label: "Clear the mask", keys: ["Shift+Backspace"], run: ({ document }) => document?.clearMask(), enabled: painted },
    ],
  ],
  [
    "Erase",
    [
      { id: "erase", label: "Erase what is marked", keys: ["Enter"], run: (editor) => editor.erase(), enabled: painted },
      { id: "another", label: "Try another fill", keys: ["T"], run: (editor) => editor.tryAnother(), enabled: (editor) => idle(editor) && Boolean(editor.document?.canTryAnother) },
      { id: "cancel", label: "Cancel the work or the shape", keys: ["Escape"], run: cancel },
      { id: "undo", label: "Undo", keys: ["Ctrl+Z"], run: (editor) => editor.undo(), enabled: (editor) => idle(editor) && (editor.tools.isDrawing || editor.document?.history.undoLabel !== null) },
      { id: "redo", label: "Redo", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], run: (editor) => editor.redo(), enabled: (editor) => idle(editor) && editor.document?.history.redoLabel !== null },
    ],
  ],
  [
    "Look",
    [
      { id: "compare", label: "Before and after", keys: ["C", "\\"], run: (editor) => editor.toggleCompare(), enabled: opened, pressed: ({ compare }) => compare.isOn },
      { id: "sphere", label: "360° view", keys: ["V"], run: (editor) => editor.toggleSphere(), enabled: canTurn, pressed: ({ stage }) => stage.isSphere },
      { id: "zoom-in", label: "Zoom in", keys: ["+"], run: (editor) => editor.zoomBy(1.4), enabled: opened },
      { id: "zoom-out", label: "Zoom out", keys: ["-"], run: (editor) => editor.zoomBy(1 / 1.4), enabled: opened },
      { id: "fit", label: "Show the whole picture", keys: ["0"], run: (editor) => editor.zoomTo("fit"), enabled: opened },
      { id: "actual-size", label: "100 %: one pixel of the photograph is one of the screen", keys: ["1"], run: (editor) => editor.zoomTo("actualSize"), enabled: opened },
    ],
  ],
  [
    "Files",
    [
      { id: "open", label: "Open a photograph", keys: ["Ctrl+O"], run: (editor) => editor.openFromPicker(), enabled: (editor) => !editor.opening && !editor.document?.work },
      { id: "download", label: "Download", keys: ["Ctrl+S"], run: (editor) => editor.download(), enabled: idle },
      { id: "load-mask", label: "Load a mask", keys: [], run: (editor) => editor.loadMask(), enabled: idle },
      { id: "save-mask", label: "Save the mask", keys: ["Ctrl+Shift+S"], run: (editor) => editor.saveMask(), enabled: painted },
      { id: "help", label: "Keyboard shortcuts", keys: ["?"], run: () => element("help", HTMLDialogElement).showModal() },
    ],
  ],
];

/** Movements without a button, for the help sheet. */
export const MOVEMENTS = [
  ["Wheel, pinch", "Zoom; in the 360° view, the field of view"],
  ["Space-drag, right drag, two fingers", "Move the view"],
  ["Arrow keys", "Move the view"],
  ["Shift-click", "Straight stroke from the last one"],
  ["Alt", "Take away instead of adding"],
];

/** @type {Map<string, Action>} */
export const BY_ID = new Map(ACTIONS.flatMap(([, actions]) => actions).map((action) => [action.id, action]));

/**
 * @param {import("./tools.js").Tools} tools
 * @param {number} factor
 */
function resize(tools, factor) {
  tools.size = Math.round(Math.max(2, Math.min(400, tools.size * factor + Math.sign(factor - 1))));
}

/** @param {Editor} editor */
function cancel(editor) {
  if (editor.document?.work) editor.document.cancel();
  else if (editor.tools.isDrawing) editor.tools.abort();
  else if (editor.compare.isOn) editor.toggleCompare();
  else editor.notices.hide();
}

/** @param {Editor} editor */
function canTurn({ document }) {
  return document !== null && Math.abs(document.session.width - 2 * document.session.height) <= 2;
}
