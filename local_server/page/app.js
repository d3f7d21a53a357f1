/** Starts the page: one editor, its controls, keys and gestures. */

import { bindControls } from "./modules/controls.js";
import { Editor } from "./modules/editor.js";
import { acceptFiles } from "./modules/files.js";
import { Gestures } from "./modules/gestures.js";
import { bindKeys, fillHelp } from "./modules/keys.js";

const theme = localStorage.getItem("vanisher.theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

const editor = new Editor();
const { stage, tools } = editor;

const gestures = new Gestures(stage.parts.root, {
  movesView: () => !editor.canPaint || tools.active === "hand",
  down: (sample) => tools.down(sample),
  move: (samples) => tools.move(samples),
  up: () => tools.up(),
  abort: () => tools.release(),
  hover: (sample) => {
    stage.pointer = sample;
    stage.invalidate();
  },
  pan: (dx, dy) => {
    stage.view?.panBy(dx, dy);
    stage.invalidate();
  },
  zoom: (x, y, factor) => {
    stage.view?.zoomAt(x, y, factor);
    stage.invalidate();
  },
});

bindControls(editor);
bindKeys(editor, gestures);
fillHelp();
acceptFiles((file, more) => editor.attempt(() => editor.openFile(file, more)));
window.addEventListener("beforeunload", (event) => {
  if (editor.document?.unsaved) event.preventDefault();
});
editor.attempt(() => editor.restore());
