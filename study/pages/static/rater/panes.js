// The frames of the stage, made once per study, and the switch between pictures that take turns.

import { make } from "./screens.js";
import { say } from "./texts.js";

const ORDER = { rating: ["reference", "picture"], pairwise: ["left", "reference", "right"] };
const NAMES = { reference: "reference", picture: "picture", left: "side_left", right: "side_right" };

export const nameOfPane = (name) => say(NAMES[name]);

export function buildPanes(element, mode) {
  element.dataset.mode = mode;
  element.replaceChildren(...ORDER[mode].map(pane));
}

function pane(name) {
  const caption = make("figcaption", {}, make("span", { textContent: nameOfPane(name) }));
  const frame = make("div", { className: "rater-frame" }, sheet(name, true), lens(name));
  if (name !== "reference") caption.append(make("span", { className: "rater-caption-flipped", textContent: say("reference") }));
  return make("figure", { className: "rater-pane", data: { pane: name } }, caption, frame);
}

// The pane's own picture with the ground truth lying over it, to be seen only while flipped.
function sheet(name, labelled) {
  const own = image(name, labelled ? nameOfPane(name) : "");
  const over = name === "reference" ? [] : [Object.assign(image("reference", ""), { className: "rater-over" })];
  return make("div", { className: "rater-sheet" }, own, ...over);
}

const image = (shows, alt) => make("img", { alt, draggable: false, data: { shows } });

function lens(name) {
  const window = make("div", { className: "rater-loupe", hidden: true }, sheet(name, false));
  window.setAttribute("aria-hidden", "true");
  return window;
}

// The buttons that bring a picture to the front, where the layout does not show all of them.
export function buildFaces(group, stage) {
  const { shows, front, mode } = stage.element.dataset;
  const kind = `${mode} ${shows}`;
  if (group.dataset.kind !== kind) {
    group.dataset.kind = kind;
    group.replaceChildren(...faces(mode, shows).map(([name, label]) => face(name, label, stage)));
  }
  const inFront = shows === "candidates" ? (stage.pinned ? "reference" : "both") : front;
  const unseen = stage.unseen();
  for (const button of group.children) {
    button.setAttribute("aria-pressed", String(button.dataset.face === inFront));
    button.dataset.unseen = String(unseen.includes(button.dataset.face));
  }
}

function faces(mode, shows) {
  if (shows === "candidates") return [["both", say("both_short")], ["reference", say("reference")]];
  if (shows !== "one") return [];
  if (mode === "rating") return [["picture", say("picture_short")], ["reference", say("reference")]];
  return [["left", say("side_left_short")], ["reference", say("reference")], ["right", say("side_right_short")]];
}

function face(name, label, stage) {
  const button = make("button", { type: "button", textContent: label, data: { face: name } });
  button.addEventListener("click", () => stage.show(name));
  return button;
}
