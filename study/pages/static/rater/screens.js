// One screen at a time, and how words get into it.

import { knows, say } from "./texts.js";

export const make = (tag, properties = {}, ...children) => {
  const { data = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
};

export class Screens {
  constructor(root) {
    this.root = root;
    this.find("#rater-retry").addEventListener("click", () => location.reload());
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  get current() {
    return this.root.dataset.screen;
  }

  show(name) {
    if (this.current === name) return;
    this.root.dataset.screen = name;
    this.root.scrollTop = 0;
    const target = name === "trial" ? this.find("#rater-trial") : this.find(`[data-name="${name}"] h1`);
    target.focus({ preventScroll: true });
  }

  // A card with a title and a text of the dictionary: `key` and `key_title`.
  message(key, { title = `${key}_title`, values = {}, retry = false } = {}) {
    this.announce(say(title), say(key, values), retry);
  }

  // Why the server refused: in the dictionary's words, or in its own where the dictionary has none.
  refusal(error) {
    const known = error.code && knows(`${error.code}_title`);
    if (known) this.message(error.code, { retry: error.code === "too_many_enrolments" });
    else this.announce(say("wrong_title"), error.message, true);
  }

  announce(title, text, retry) {
    const heading = this.find("#rater-message h1");
    const changed = this.current !== "message" || heading.textContent !== title;
    heading.textContent = title;
    this.find("#rater-message p").textContent = text;
    this.find("#rater-retry").hidden = !retry;
    this.show("message");
    if (changed) heading.focus({ preventScroll: true });
  }

  fill(name, text) {
    for (const place of this.root.querySelectorAll(`[data-fill="${name}"]`)) place.textContent = text;
  }

  // A text whose paragraphs are split by blank lines.
  paragraphs(name, text) {
    for (const place of this.root.querySelectorAll(`[data-fill="${name}"]`)) {
      const parts = text.split(/\n\s*\n/).filter((part) => part.trim());
      place.replaceChildren(...parts.map((part) => make("p", { textContent: part.trim() })));
    }
  }
}
