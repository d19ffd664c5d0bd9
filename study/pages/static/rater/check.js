// The screen check: says what can be mended before the first judgement, and stops nobody.

import { say } from "./texts.js";

const ENOUGH = { width: 900, height: 560 }; // CSS pixels at a desk

// What the server keeps of a screen.
export function screenReport(darkRoom) {
  return {
    screen_width: Math.max(1, Math.round(screen.width)),
    screen_height: Math.max(1, Math.round(screen.height)),
    viewport_width: Math.max(1, Math.round(innerWidth)),
    viewport_height: Math.max(1, Math.round(innerHeight)),
    device_pixel_ratio: devicePixelRatio,
    zoom: visualViewport?.scale ?? 1,
    color_gamut: ["rec2020", "p3", "srgb"].find((gamut) => matches(`(color-gamut: ${gamut})`)) ?? null,
    pointer: ["fine", "coarse"].find((pointer) => matches(`(pointer: ${pointer})`)) ?? null,
    dark_room: darkRoom,
  };
}

// onChecked(report, onTrouble): the rater goes on.
export function listenToCheck(screens, onChecked) {
  const inspectShown = () => screens.current === "check" && inspect(screens);
  addEventListener("resize", inspectShown);
  visualViewport?.addEventListener("resize", inspectShown);
  const button = screens.find("#rater-checked");
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    const statement = screens.find("[name='dark-room']:checked")?.value;
    const trouble = () => (screens.find("#rater-check-alert").textContent = say("lost_sending"));
    await onChecked(screenReport(statement === undefined ? null : statement === "true"), trouble).finally(() => {
      button.removeAttribute("aria-disabled");
      screens.find("#rater-check-alert").textContent = "";
    });
  });
  const full = screens.find("#rater-fullscreen");
  full.addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => (full.hidden = true)));
}

export function showCheck(screens) {
  inspect(screens);
  screens.show("check");
}

function inspect(screens) {
  const findings = { window: windowSize(), zoom: zoom(), colours: colours() };
  for (const [name, { good, text }] of Object.entries(findings)) {
    const row = screens.find(`[data-check="${name}"]`);
    row.dataset.good = String(good);
    const place = row.querySelector("span");
    if (place.textContent !== text) place.textContent = text; // else a live region would speak at every resize
  }
  const good = Object.values(findings).every((finding) => finding.good);
  screens.find("#rater-fullscreen").hidden = findings.window.good || !document.fullscreenEnabled || onPhone();
  screens.find("#rater-checked").textContent = say(good ? "check_done" : "check_anyway");
}

function windowSize() {
  const size = { width: innerWidth, height: innerHeight };
  if (onPhone()) return { good: true, text: say("window_phone", size) };
  const good = size.width >= ENOUGH.width && size.height >= ENOUGH.height;
  return { good, text: say(good ? "window_good" : "window_small", size) };
}

// A desktop browser's zoom shows in how many CSS pixels its window is said to have; a sidebar takes up to a tenth.
function zoom() {
  if ((visualViewport?.scale ?? 1) > 1.02) return { good: false, text: say("zoom_pinched") };
  const ratio = onPhone() || !outerWidth ? 1 : outerWidth / innerWidth;
  if (ratio > 0.92 && ratio < 1.09) return { good: true, text: say("zoom_good") };
  return { good: false, text: say("zoom_browser", { percent: Math.round(100 * ratio) }) };
}

function colours() {
  const changed = matches("(inverted-colors: inverted)") || matches("(forced-colors: active)");
  return { good: !changed, text: say(changed ? "colours_changed" : "colours_good") };
}

const onPhone = () => matches("(hover: none) and (pointer: coarse)");
const matches = (query) => matchMedia(query).matches;
