// The loupe: a round window in every pane, at the same place of each picture, that shows pixels one by one.

import { pictureAt } from "./view.js";

const LARGEST_PX = 240;

export function createLoupe(element) {
  let on = false;
  let visible = false;
  const all = (selector) => element.querySelectorAll(selector);

  function hide() {
    visible = false;
    for (const lens of all(".rater-loupe")) lens.hidden = true;
  }

  // Shows what lies under `point` of the frames; says whether the loupe was not to be seen before.
  // liftPx: CSS pixels by which it is lifted above the point, for a finger would cover it.
  function place(point, { stage, liftPx }) {
    const { width, height } = stage.layout;
    const diameter = Math.min(LARGEST_PX, 0.5 * Math.min(width, height));
    const seen = pictureAt(stage.view, { x: clamp(point.x, 0, 1), y: clamp(point.y, 0, 1) });
    const scale = stage.sharpScale();
    const box = {
      left: clamp(point.x * width - diameter / 2, 0, width - diameter),
      top: clamp(point.y * height - liftPx - diameter / 2, 0, height - diameter),
    };
    const shift = `translate(${diameter / 2 - seen.x * width * scale}px, ${diameter / 2 - seen.y * height * scale}px)`;
    for (const lens of all(".rater-loupe")) {
      lens.hidden = false;
      Object.assign(lens.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${diameter}px`, height: `${diameter}px` });
      lens.firstElementChild.style.transform = `${shift} scale(${scale})`;
    }
    const appeared = !visible;
    visible = true;
    return appeared;
  }

  return {
    hide,
    place,
    isOn: () => on,
    switch() {
      on = !on;
      element.classList.toggle("rater-with-loupe", on);
      hide();
    },
  };
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
