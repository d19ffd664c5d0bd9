// The rater's page. Gradio hands over the container of rater.html and runs `start` once.

import { Visit } from "./visit.js";

export function start(root) {
  const visit = new Visit(root);
  visit.open();
}
