// The pictures of a trial: placed, enlarged and moved together, flipped to the ground truth in place.

import { CAPTION_PX, GAP_PX, chooseLayout } from "./layout.js";
import { createLoupe } from "./loupe.js";
import { Damaged, loadDecoded } from "./pictures.js";
import { WHOLE, bounded, pannedBy, zoomedAt } from "./view.js";

const ENLARGED = 1.01; // a scale below this shows the whole picture

export class Stage {
  // element: the stage. onChange(): called when layout, zoom, loupe or what is in front changed.
  constructor(element, onChange) {
    this.element = element;
    this.onChange = onChange;
    this.loupe = createLoupe(element);
    this.trial = null;
    this.view = WHOLE;
    this.pinned = false; // the ground truth in place of the candidates, until switched back
    this.reset();
    new ResizeObserver(() => this.arrange()).observe(element);
  }

  get candidates() {
    return [...this.element.querySelectorAll('.rater-pane:not([data-pane="reference"])')].map((p) => p.dataset.pane);
  }

  // Decodes the pictures, puts them in their panes and says when all are ready to be painted.
  // trial: {pictures: {reference, picture} or {reference, left, right} as URLs, width, height in pixels}.
  async place(trial) {
    const names = Object.keys(trial.pictures);
    const objects = await Promise.all(names.map((name) => loadDecoded(trial.pictures[name])));
    const sources = Object.fromEntries(names.map((name, index) => [name, objects[index]]));
    const images = [...this.element.querySelectorAll("img[data-shows]")].filter((image) => image.dataset.shows in sources);
    for (const image of images) image.src = sources[image.dataset.shows];
    await Promise.all(images.map((image) => image.decode())).catch(() => {
      throw new Damaged();
    });
    this.trial = trial;
    this.reset();
    this.arrange();
  }

  // A new trial begins with the whole pictures, nothing flipped, nothing used.
  reset() {
    this.used = { zooms: 0, flips: 0, loupe: 0 };
    this.seen = new Set();
    this.view = WHOLE;
    this.pinned = false;
    this.element.dataset.front = this.candidates[0];
    this.loupe.hide();
    this.flip(null);
    this.paint();
  }

  arrange() {
    if (!this.trial || !this.element.clientWidth) return;
    const style = getComputedStyle(this.element);
    const across = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
    const down = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
    const layout = chooseLayout({
      stage: { width: this.element.clientWidth - across, height: this.element.clientHeight - down },
      picture: this.trial,
      candidates: this.candidates.length,
      pixelRatio: devicePixelRatio,
    });
    this.layout = layout;
    Object.assign(this.element.dataset, { layout: layout.name, shows: layout.shows });
    const lengths = { "--picture-width": layout.width, "--picture-height": layout.height, "--gap": GAP_PX, "--caption": CAPTION_PX };
    for (const [name, pixels] of Object.entries(lengths)) this.element.style.setProperty(name, `${pixels}px`);
    this.view = bounded(this.view, this.largestScale);
    this.noteSeen();
    this.paint();
  }

  // Pictures of the trial that have not been on the screen yet, where they take turns.
  unseen() {
    return Object.keys(this.trial.pictures).filter((name) => !this.seen.has(name));
  }

  noteSeen() {
    for (const figure of this.element.querySelectorAll(".rater-pane")) {
      if (figure.offsetWidth) this.seen.add(figure.classList.contains("rater-flipped") ? "reference" : figure.dataset.pane);
    }
  }

  // The scale at which one pixel of the picture is one pixel of the screen.
  get nativeScale() {
    return this.trial.width / devicePixelRatio / this.layout.width;
  }

  get largestScale() {
    return Math.max(4, 8 * this.nativeScale);
  }

  // The smallest scale of whole screen pixels per picture pixel that enlarges what is seen noticeably.
  sharpScale() {
    return this.nativeScale * Math.ceil((1.4 * this.view.scale) / this.nativeScale);
  }

  isZoomed() {
    return this.view.scale > ENLARGED;
  }

  zoomBy(factor, point = { x: 0.5, y: 0.5 }) {
    this.change(zoomedAt(this.view, factor, point, this.largestScale));
  }

  toggleZoom(point = { x: 0.5, y: 0.5 }) {
    if (this.isZoomed()) this.change(WHOLE);
    else this.zoomBy(this.sharpScale(), point);
  }

  panBy(dx, dy) {
    this.change(pannedBy(this.view, dx, dy, this.largestScale));
  }

  change(view) {
    if (!this.trial) return;
    const wasZoomed = this.isZoomed();
    this.view = view;
    if (this.isZoomed() && !wasZoomed) this.used.zooms += 1;
    this.paint();
  }

  // Shows the ground truth in the place of one pane, of all panes ("all"), or of none (null, unless pinned).
  flip(pane) {
    const wanted = pane ?? (this.pinned ? "all" : null);
    let flipped = false;
    for (const figure of this.element.querySelectorAll(".rater-pane")) {
      const own = figure.dataset.pane !== "reference" && (wanted === "all" || wanted === figure.dataset.pane);
      figure.classList.toggle("rater-flipped", own);
      flipped ||= own;
    }
    if (!flipped) return;
    this.used.flips += 1;
    this.noteSeen();
    this.onChange();
  }

  // Puts a pane in front where pictures take turns; the ground truth takes the candidates' place where they share it.
  show(pane) {
    if (this.element.dataset.shows === "candidates") {
      this.pinned = pane === "reference";
    } else {
      this.element.dataset.front = pane;
      if (pane === "reference") this.used.flips += 1;
    }
    this.flip(null);
    this.noteSeen();
    this.onChange();
  }

  loupeIsOn() {
    return this.loupe.isOn();
  }

  switchLoupe() {
    this.loupe.switch();
    this.onChange();
  }

  loupeTo(point, liftPx) {
    if (this.trial && this.loupe.place(point, { stage: this, liftPx })) this.used.loupe += 1;
  }

  hideLoupe() {
    this.loupe.hide();
  }

  paint() {
    if (this.trial && this.layout) {
      const { scale, x, y } = this.view;
      const { width, height } = this.layout;
      const shift = `translate(${-x * scale * width}px, ${-y * scale * height}px) scale(${scale})`;
      for (const sheet of this.element.querySelectorAll(".rater-frame > .rater-sheet")) sheet.style.transform = shift;
      this.element.classList.toggle("rater-zoomed", this.isZoomed());
      // Beyond two screen pixels per picture pixel, pixels are shown as they are.
      this.element.classList.toggle("rater-pixels", scale >= 2 * this.nativeScale);
    }
    this.onChange();
  }
}
