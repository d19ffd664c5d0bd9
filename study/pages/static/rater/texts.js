// The interface's words. A study's own words (title, question, scale, consent) come from the server in its languages.
//
// To add a language: copy texts.en.js, translate it, name it here.

import { de } from "./texts.de.js";
import { en } from "./texts.en.js";

const DICTIONARIES = { en, de };
export const INTERFACE_LANGUAGES = Object.keys(DICTIONARIES);
let words = en;

// Speaks a language from now on: the document's lang, and every element with data-text or data-aria, is set anew.
export function speak(language, root) {
  words = { ...en, ...(DICTIONARIES[language.split("-")[0]] ?? {}) };
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll("[data-aria]")) element.setAttribute("aria-label", say(element.dataset.aria));
}

export const knows = (key) => key in words;

// A text with its {places} filled.
export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// The first language of the study that the reader's browser prefers, or the study's first.
export function preferred(languages) {
  const short = (tag) => tag.toLowerCase().split("-")[0];
  for (const wanted of navigator.languages) {
    const match = languages.find((language) => short(language) === short(wanted));
    if (match) return match;
  }
  return languages[0];
}

// A language's own name, as in a list to choose from.
export function nameOf(language) {
  const name = new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language;
  return name[0].toLocaleUpperCase(language) + name.slice(1);
}

// "about 3 minutes", in the language spoken.
export function duration(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes === 1 ? say("a_minute") : say("minutes", { minutes });
}
