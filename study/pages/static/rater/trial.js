// The trial on the screen: its pictures, its answer, taking the last answer back, feedback in practice.

import { buildAnswers, focusNext, nameOfAnswer, press, sides } from "./answers.js";
import { Clock } from "./clock.js";
import { listenToGestures } from "./gestures.js";
import { listenToKeys } from "./keys.js";
import { buildFaces, buildPanes, nameOfPane } from "./panes.js";
import * as pending from "./pending.js";
import { Damaged, forgetAllBut, loadAhead } from "./pictures.js";
import { persist, postJson } from "./server.js";
import { Stage } from "./stage.js";
import { duration, say } from "./texts.js";

const ACCIDENT_MS = 350; // a second click this soon after new pictures was meant for the old ones
const DAMAGED_TRIES = 3;
const LONGEST_MS = 86_400_000; // the server's limit: a page left open for days must not lose its answer

export class TrialScreen {
  // api: path of the routes. onState(state, greeting): shows what the server said comes next.
  // onRefusal(error, greeting): the server refused. onPause(), onHelp(): the rater asks for it.
  constructor(screens, { api, onState, onRefusal, onPause, onHelp }) {
    Object.assign(this, { screens, api, onState, onRefusal, onPause, onHelp });
    this.clock = new Clock();
    this.state = null; // what the server said last
    this.accepting = false;
    this.asking = false; // to look at all pictures first
    this.stage = new Stage(screens.find("#rater-stage"), () => this.showTools());
    listenToGestures(this.stage.element, this.stage);
    this.listen();
  }

  // Prepares the screen for a study: its panes, its question, its answers.
  describe(study) {
    this.study = study;
    buildPanes(this.stage.element, study.mode);
    buildAnswers(this.screens, study, (answer) => this.answer(answer));
    this.screens.find("#rater-zoom-whole").setAttribute("aria-label", say("zoom_whole", { percent: 100 }));
  }

  // Shows the state's trial as soon as its pictures are decoded.
  async show(state, greeting = "") {
    this.accept(false);
    const waiting = setTimeout(() => this.stage.element.classList.add("rater-waiting"), 150);
    const trial = this.inPanes(state.trial);
    await persist(() => this.stage.place(trial), this.pictureTrouble()).finally(() => clearTimeout(waiting));
    this.stage.element.classList.remove("rater-waiting");
    this.state = state;
    press(this.screens, null);
    this.showFeedback(null);
    this.showProgress(state);
    if (!["pause", "help"].includes(this.screens.current)) {
      this.screens.show("trial");
      this.screens.find("#rater-trial").focus({ preventScroll: true });
    }
    this.note(greeting || this.hint());
    this.stage.arrange();
    await this.clock.start();
    setTimeout(() => this.accept(this.state === state), ACCIDENT_MS);
    this.loadAhead(state);
  }

  inPanes(trial) {
    const [first, second] = trial.pictures;
    const candidates = this.study.mode === "rating" ? { picture: first } : { left: first, right: second };
    return { pictures: { reference: trial.ground_truth, ...candidates }, width: trial.width, height: trial.height };
  }

  loadAhead(state) {
    const urls = [state.trial, state.upcoming].filter(Boolean).flatMap((trial) => [trial.ground_truth, ...trial.pictures]);
    forgetAllBut(urls);
    loadAhead(urls);
  }

  async answer(given) {
    if (!this.accepting || this.asksToLook()) return;
    this.accept(false);
    press(this.screens, given);
    const vote = this.vote(given);
    pending.keep(this.study.name, vote);
    let state;
    try {
      state = await this.deliver(vote, () => this.warn(say("lost_answer", { answer: nameOfAnswer(given) })));
    } catch (error) {
      return this.onRefusal(error);
    }
    this.warn("");
    if (state.feedback) await this.showFeedback(state.feedback);
    return this.onState(state);
  }

  // Nobody can compare what they have not seen. Asks for it where pictures take turns, until it has been looked at.
  asksToLook() {
    const unseen = this.stage.unseen();
    this.asking = unseen.length > 0;
    this.warn(this.asking ? say("look_first", { pictures: unseen.map(nameOfPane).join(", ") }) : "");
    return this.asking;
  }

  // Sends an answer until the server has it or refuses it. Only an answer whose rater the server does not recognise is
  // kept on: it goes out when the rater comes back through the personal link.
  async deliver(vote, onTrouble) {
    try {
      const state = await persist(() => postJson(`${this.api}/vote`, vote), onTrouble);
      pending.drop(this.study.name, vote);
      return state;
    } catch (error) {
      if (error.code !== "not_a_rater") pending.drop(this.study.name, vote);
      throw error;
    }
  }

  vote(given) {
    const used = this.stage.used;
    return {
      trial: this.state.trial.token,
      [this.study.mode === "rating" ? "value" : "choice"]: given,
      response_ms: Math.min(LONGEST_MS, this.clock.elapsedMs()),
      viewport_width: Math.max(1, Math.round(innerWidth)),
      viewport_height: Math.max(1, Math.round(innerHeight)),
      device_pixel_ratio: devicePixelRatio,
      zoomed: used.zooms + used.flips + used.loupe,
    };
  }

  // Takes the last answer back; its question comes again.
  async undo(state = this.state) {
    const undoable = state?.undo && (this.accepting || this.screens.current === "done");
    if (!undoable) return;
    this.accept(false);
    let sentAgain = false;
    const trouble = () => {
      sentAgain = true;
      this.warn(say("lost_undo"));
      this.screens.fill("saved", say("lost_undo")); // the same, where the last trial has been answered
    };
    let before;
    try {
      before = await persist(() => postJson(`${this.api}/undo`, { trial: state.undo }), trouble);
    } catch (error) {
      return this.onRefusal(error, sentAgain ? say("undone") : ""); // it was done, and only the reply was lost
    }
    this.warn("");
    return this.onState(before, say("undone"));
  }

  // Resolves when the rater has read it.
  showFeedback(feedback) {
    this.screens.find("#rater-feedback").hidden = !feedback;
    this.screens.find("#rater-trial").classList.toggle("rater-told", Boolean(feedback));
    if (!feedback) return null;
    const verdict = this.screens.find("#rater-verdict");
    verdict.dataset.good = String(feedback.within_expected);
    verdict.textContent = feedback.text;
    const proceed = this.screens.find("#rater-proceed");
    setTimeout(() => proceed.focus(), ACCIDENT_MS);
    return new Promise((resolve) => proceed.addEventListener("click", resolve, { once: true }));
  }

  accept(answers) {
    this.accepting = answers;
    this.screens.find("#rater-trial").setAttribute("aria-busy", String(!answers));
  }

  showProgress(state) {
    const { answered, total } = state.trial.practice ? state.practice : state;
    const number = Math.min(answered + 1, total);
    const count = say(state.trial.practice ? "practice_of" : "of", { number, total });
    const bar = this.screens.find(".rater-bar");
    this.screens.find("#rater-count").textContent = count;
    this.screens.find("#rater-left").textContent = say("left", { duration: duration(state.seconds_left) });
    this.screens.find("#rater-trial").setAttribute("aria-label", count);
    bar.setAttribute("aria-valuemax", total);
    bar.setAttribute("aria-valuenow", answered);
    this.screens.find(".rater-bar-fill").style.width = `${(100 * answered) / total}%`;
    this.screens.find("#rater-undo").hidden = !state.undo;
  }

  note(text) {
    this.asking = false;
    this.screens.find("#rater-note").textContent = text;
    this.warn("");
  }

  warn(text) {
    this.screens.find("#rater-warning").textContent = text;
  }

  hint() {
    if (!matchMedia("(hover: hover)").matches) return say("hint_touch");
    return say("hint_keys", { keys: keysOf(this.study) });
  }

  showTools() {
    if (!this.stage?.trial || !this.stage.layout) return;
    const percent = Math.round((100 * this.stage.view.scale) / this.stage.nativeScale);
    const whole = this.screens.find("#rater-zoom-whole");
    whole.textContent = `${percent} %`;
    whole.setAttribute("aria-label", say("zoom_whole", { percent }));
    this.screens.find("#rater-loupe").setAttribute("aria-pressed", String(this.stage.loupeIsOn()));
    buildFaces(this.screens.find("#rater-faces"), this.stage);
    if (this.asking) this.asksToLook();
  }

  pictureTrouble() {
    let damaged = 0;
    return (error) => {
      if (error instanceof Damaged && (damaged += 1) === DAMAGED_TRIES) throw error;
      const [title, text] = error instanceof Damaged ? ["damaged_title", "damaged"] : ["lost_title", "lost_pictures"];
      // While a trial is on the screen it stays there; before the first one there is only the message.
      if (this.screens.current === "trial") this.warn(`${say(title)}. ${say(text)}`);
      else this.screens.message(text, { title });
    };
  }

  listen() {
    const { stage, screens } = this;
    const pan = (dx, dy) => stage.panBy(-0.15 * dx, -0.15 * dy);
    const actions = {
      undo: () => this.undo(),
      help: this.onHelp,
      pause: this.onPause,
      loupe: () => stage.switchLoupe(),
      whole: () => stage.isZoomed() && stage.toggleZoom(),
      zoomIn: () => stage.zoomBy(1.5),
      zoomOut: () => stage.zoomBy(1 / 1.5),
      flip: (on) => stage.flip(on ? "all" : null),
      number: (number) => this.answerByNumber(number),
      arrow: (name) => this.answerByArrow(name),
      pan,
    };
    const buttons = { undo: "undo", help: "help", pause: "pause", loupe: "loupe", whole: "zoom-whole", zoomIn: "zoom-in", zoomOut: "zoom-out" };
    for (const [name, id] of Object.entries(buttons)) screens.find(`#rater-${id}`).addEventListener("click", actions[name]);
    listenToKeys(actions, () => screens.current === "trial" && screens.find("#rater-feedback").hidden);
  }

  answerByNumber(number) {
    if (this.study.mode === "rating") {
      if (this.study.scale.some((point) => point.value === number)) this.answer(number);
    } else if (sides(this.study)[number - 1]) this.answer(sides(this.study)[number - 1]);
  }

  answerByArrow(name) {
    if (this.study.mode === "rating") return focusNext(this.screens, name === "ArrowRight" || name === "ArrowUp" ? 1 : -1);
    const choice = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" }[name];
    if (this.study.choices.includes(choice)) this.answer(choice);
  }
}

function keysOf(study) {
  if (study.mode === "pairwise") return say(study.choices.includes("tie") ? "keys_choices_tie" : "keys_choices");
  const withKey = study.scale.map((point) => point.value).filter((value) => value <= 9);
  return say("keys_values", { first: withKey[0], last: withKey.at(-1) });
}
