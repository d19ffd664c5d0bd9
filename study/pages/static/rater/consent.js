// The first screen: what the study is, in whose language, and the agreement to take part.

import { make } from "./screens.js";
import { duration, nameOf, say } from "./texts.js";

// onLanguage(language): the rater chose another one. onAgree(): the rater agrees with the text on the screen.
export function listenToConsent(screens, { onLanguage, onAgree }) {
  screens.find("#rater-begin").addEventListener("click", async () => {
    const button = screens.find("#rater-begin");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    await onAgree(() => (button.textContent = say("lost_sending"))).finally(() => {
      button.removeAttribute("aria-disabled");
      button.textContent = say("agree");
    });
  });
  screens.find("#rater-languages").addEventListener("change", (event) => onLanguage(event.target.value));
}

export function showConsent(screens, study, alert = "") {
  const promise = study.mode === "rating" ? "promise_rating" : "promise_pairwise";
  screens.fill("promise", say(promise, { trials: study.trials, duration: duration(60 * study.minutes) }));
  screens.paragraphs("consent", study.consent.text);
  screens.fill("consent_version", say("consent_version", { version: study.consent.version }));
  screens.find("#rater-consent-alert").textContent = alert;
  showLanguages(screens, study);
  screens.show("consent");
}

function showLanguages(screens, study) {
  const group = screens.find("#rater-languages");
  group.hidden = study.languages.length < 2;
  const chosen = group.contains(document.activeElement);
  const choices = study.languages.map((language) => {
    const input = make("input", { type: "radio", name: "language", value: language, checked: language === study.language });
    return make("label", { lang: language }, input, make("span", { textContent: nameOf(language) }));
  });
  group.replaceChildren(group.querySelector("legend"), ...choices);
  if (chosen) group.querySelector("input:checked").focus(); // the arrow keys go on from here
}
