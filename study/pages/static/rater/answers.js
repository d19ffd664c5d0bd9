// The buttons that answer: one per value of the scale, or one per side with "no difference" between them.

import { make } from "./screens.js";
import { say } from "./texts.js";

// Puts the study's answers under the question. onAnswer(answer) gets a value or a choice.
export function buildAnswers(screens, study, onAnswer) {
  const values = screens.find(".rater-values");
  const buttons = study.mode === "rating" ? study.scale.map(valueButton) : sides(study).map(choiceButton);
  for (const button of buttons) button.addEventListener("click", () => onAnswer(answerOf(button)));
  values.replaceChildren(...buttons);
  values.dataset.count = buttons.length;
  values.classList.toggle("rater-many", buttons.length > 7);
  screens.find("#rater-question").textContent = study.question;
  screens.find("#rater-answers").dataset.mode = study.mode;
  const [worst, best] = study.mode === "rating" ? [study.scale[0], study.scale.at(-1)] : [null, null];
  screens.fill("worst", worst?.label ? `${worst.value}: ${worst.label}` : "");
  screens.fill("best", best?.label ? `${best.value}: ${best.label}` : "");
}

export const sides = (study) => (study.choices.includes("tie") ? ["left", "tie", "right"] : ["left", "right"]);

export function press(screens, answer) {
  for (const button of screens.root.querySelectorAll(".rater-value")) {
    button.setAttribute("aria-pressed", String(answer !== null && button.dataset.answer === String(answer)));
  }
}

// What a rater calls an answer: the number, or the side's name.
export const nameOfAnswer = (answer) => (typeof answer === "number" ? String(answer) : choiceName(answer));

// The arrow keys' walk along the scale.
export function focusNext(screens, step) {
  const buttons = [...screens.root.querySelectorAll(".rater-value")];
  const at = buttons.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : buttons.length - 1) : Math.min(Math.max(at + step, 0), buttons.length - 1);
  buttons[next].focus();
}

const answerOf = (button) => (button.dataset.kind === "value" ? Number(button.dataset.answer) : button.dataset.answer);
const choiceName = (choice) => say(choice === "tie" ? "choice_tie" : `side_${choice}`);

function valueButton(point) {
  const label = point.label ? `${point.value}, ${point.label}` : String(point.value);
  return answerButton({ answer: point.value, kind: "value", label }, make("b", { textContent: point.value }), make("small", { textContent: point.label }));
}

function choiceButton(choice) {
  const arrow = { left: "←", tie: "↓", right: "→" }[choice];
  return answerButton({ answer: choice, kind: "choice", label: choiceName(choice) }, make("b", { textContent: choiceName(choice) }), make("kbd", { textContent: arrow }));
}

function answerButton({ answer, kind, label }, ...children) {
  const button = make("button", { type: "button", className: "rater-value", data: { answer, kind } }, ...children);
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-pressed", "false");
  return button;
}
