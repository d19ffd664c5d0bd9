// What to do, before the first trial and again under Help.

import { sides } from "./answers.js";
import { make } from "./screens.js";
import { say } from "./texts.js";

// Fills both screens for a study: its own instructions, and what this page can do.
export function describeTask(screens, study) {
  screens.paragraphs("instructions", study.instructions);
  const touch = !matchMedia("(hover: hover)").matches;
  const tips = ["tip_hold", touch ? "tip_zoom_touch" : "tip_zoom_mouse", "tip_undo"];
  screens.find("#rater-tips").replaceChildren(...tips.map((tip) => make("li", { textContent: say(tip) })));
  screens.find(".rater-sample").hidden = study.mode !== "rating";
  const values = (study.scale ?? []).map((point) => make("span", { textContent: point.value }));
  screens.find(".rater-sample-values").replaceChildren(...values);
  screens.find(".rater-keys").replaceChildren(...keys(study).flatMap(([what, how]) => [make("dt", { textContent: what }), make("dd", { textContent: how })]));
}

function keys(study) {
  const rest = ["hold", "zoom", "pan", "whole", "loupe"].map((name) => [say(`key_${name}`), say(`do_${name}`)]);
  return [[say("key_answer"), answering(study)], ...rest, [say("key_undo"), "U"], [say("key_pause"), "P"]];
}

function answering(study) {
  if (study.mode === "pairwise") return say(sides(study).length === 3 ? "do_answer_choices_tie" : "do_answer_choices");
  const withKey = study.scale.map((point) => point.value).filter((value) => value <= 9);
  return say("do_answer_values", { first: withKey[0], last: withKey.at(-1) });
}
