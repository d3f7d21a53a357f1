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
 * @param {(file: File) => void} take
 */
export function acceptFiles(take) {
  let depth = 0;
  const show = (/** @type {number} */ change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("is-dropping", depth > 0);
  };
  window.addEventListener("dragenter", () => show(1));
  window.addEventListener("dragleave", () => show(-1));
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    show(0);
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
  window.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (file) take(file);
  });
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
