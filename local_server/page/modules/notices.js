/** Sentences for the user: one at a time over the stage, read out by screen readers, gone by themselves unless they matter. */

import { element } from "./dom.js";

const SHOWN_FOR = 7000;

export class Notices {
  #box = element("notice", HTMLElement);
  #text = element("notice-text", HTMLElement);
  #timer = 0;

  constructor() {
    element("notice-close", HTMLButtonElement).addEventListener("click", () => this.hide());
  }

  /** @param {string} sentence */
  say(sentence) {
    this.#show(sentence, "status");
    this.#timer = window.setTimeout(() => this.hide(), SHOWN_FOR);
  }

  /** @param {unknown} error stays until it is closed or followed by another */
  fail(error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    if (!(error instanceof Error) || error.constructor === TypeError) console.error(error);
    this.#show(error instanceof Error ? error.message : String(error), "alert");
  }

  hide() {
    clearTimeout(this.#timer);
    this.#box.hidden = true;
  }

  /**
   * @param {string} sentence
   * @param {"status" | "alert"} role
   */
  #show(sentence, role) {
    clearTimeout(this.#timer);
    this.#box.hidden = false;
    this.#box.setAttribute("role", role);
    this.#box.classList.toggle("is-error", role === "alert");
    this.#text.textContent = sentence;
  }
}
