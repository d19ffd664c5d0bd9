// What to do, before the first trial and again under Help.

import { sides } from "./answers.js";
import { make } from "./screens.js";
import { say } from "./texts.js";

// Fills both screens for a study: its own instructions, and what this page can do.
export function describeTask(screens, study) {
  screens.paragraphs("instructions", study.instructions);
  const touch = isTouched();
  const tips = ["tip_hold", touch ? "tip_zoom_touch" : "tip_zoom_mouse", "tip_undo"];
  screens.find("#rater-tips").replaceChildren(...tips.map((tip) => make("li", { textContent: say(tip) })));
  for (const sample of screens.root.querySelectorAll(".rater-sample")) describeScale(sample, study);
  screens.find("#rater-help-screen h2").textContent = say(touch ? "help_title_touch" : "help_title");
  screens.find(".rater-keys").replaceChildren(...(touch ? gestures() : keys(study)).flatMap(([what, how]) => [make("dt", { textContent: what }), make("dd", { textContent: how })]));
}

const isTouched = () => !matchMedia("(hover: hover)").matches;

// All values with their words, which the buttons of a phone have no room for; values alone in a row where only the
// ends have words.
function describeScale(sample, study) {
  const scale = study.scale ?? [];
  sample.hidden = study.mode !== "rating";
  sample.dataset.labelled = String(scale.slice(1, -1).some((point) => point.label));
  const words = (point) => make("span", { textContent: point.label });
  const values = scale.map((point) => make("li", {}, make("b", { textContent: point.value }), words(point)));
  sample.querySelector(".rater-sample-values").replaceChildren(...values);
}

// What fingers do; the buttons beside the pictures need no words.
const gestures = () => ["answer", "hold", "zoom", "pan", "whole", "loupe"].map((name) => [say(`key_${name}`), say(`do_${name}_touch`)]);

function keys(study) {
  const rest = ["hold", "zoom", "pan", "whole", "loupe"].map((name) => [say(`key_${name}`), say(`do_${name}`)]);
  return [[say("key_answer"), answering(study)], ...rest, [say("key_undo"), "U"], [say("key_pause"), "P"]];
}

function answering(study) {
  if (study.mode === "pairwise") return say(sides(study).length === 3 ? "do_answer_choices_tie" : "do_answer_choices");
  const withKey = study.scale.map((point) => point.value).filter((value) => value <= 9);
  return say("do_answer_values", { first: withKey[0], last: withKey.at(-1) });
}
