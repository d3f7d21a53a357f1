/** Files that come in (picker, drop, paste) and go out (downloads with the photograph's own name). */

const EXTENSIONS = { JPEG: "jpg", PNG: "png", TIFF: "tif", WEBP: "webp" };

/**
 * Asks for a file.
 *
 * @param {HTMLInputElement} input of type file
 * @returns {Promise<File | null>} null when the user changed their mind
 */
export function pickFile(input) {
  return new Promise((resolve) => {
    input.value = "";
    input.onchange = () => resolve(input.files?.[0] ?? null);
    input.oncancel = () => resolve(null);
    input.click();
  });
}

/**
 * Takes files dropped on the window or pasted.
 *
 * @param {(file: File, count: number) => void} take the photograph, and how many files came with it and were left
 */
export function acceptFiles(take) {
  const veil = (/** @type {boolean} */ on) => document.body.classList.toggle("is-dropping", on);
  window.addEventListener("dragover", (event) => {
    event.preventDefault(); // else the browser would leave the page for what is dropped
    const files = event.dataTransfer?.types.includes("Files") ?? false;
    if (event.dataTransfer) event.dataTransfer.dropEffect = files ? "copy" : "none";
    veil(files);
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil(false); // out of the window, or given up
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    veil(false);
    const files = [...(event.dataTransfer?.files ?? [])];
    const photograph = files.find(isPicture) ?? files[0]; // raw files have no type
    if (photograph) take(photograph, files.length - 1);
  });
  window.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(isPicture);
    if (file) take(file, 0);
  });
}

/** @param {File} file */
function isPicture(file) {
  return file.type.startsWith("image/");
}

/**
 * Whether a file's bytes can be had: not those of a folder, nor of a file that went away.
 *
 * @param {File} file
 */
export async function isReadable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

/**
 * Saves bytes under a name.
 *
 * @param {Blob} file
 * @param {string} name
 */
export function saveFile(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * @param {string} original name of the photograph's file
 * @param {string} mark what was done, such as "vanished"
 * @param {string} format such as JPEG; "" keeps the extension
 */
export function nameFor(original, mark, format) {
  const dot = original.lastIndexOf(".");
  const stem = dot > 0 ? original.slice(0, dot) : original || "photo";
  const own = dot > 0 ? original.slice(dot + 1) : "";
  const usual = EXTENSIONS[/** @type {keyof typeof EXTENSIONS} */ (format.toUpperCase())] ?? own;
  return `${stem}.${mark}.${format ? usual : own || usual}`;
}
