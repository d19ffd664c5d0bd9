// A rater's visit. The server owns it: this page shows what it is told and sends what the rater answers.
//
// An answer is written to the browser's own storage before it is sent, and is sent again with the same trial token
// until the server has it; the server keeps the first answer to a token, so sending twice is safe.

import { listenToCheck, showCheck } from "./check.js";
import { listenToConsent, showConsent } from "./consent.js";
import { listenToCopying, listenToWithdrawal, showPause, showThanks, showWithdrawal } from "./farewell.js";
import { describeTask } from "./instructions.js";
import * as pending from "./pending.js";
import { Damaged, forgetAllBut, loadAhead } from "./pictures.js";
import { Screens } from "./screens.js";
import { Refusal, getJson, pagePath, persist, postJson } from "./server.js";
import { INTERFACE_LANGUAGES, preferred, say, speak } from "./texts.js";
import { TrialScreen } from "./trial.js";

const RENEW_MS = 4 * 60_000; // well within the lease of a trial
const MOVED_ON = ["lease_expired", "unknown_trial", "unknown_picture"]; // ask where the visit stands
const MOST_STUMBLES = 3;

export class Visit {
  constructor(root) {
    this.root = root;
    this.screens = new Screens(root);
    this.api = `${pagePath()}api`;
    this.study = null;
    this.state = null; // what the server said last; null before the rater agreed
    this.lastStage = null;
    this.stumbles = 0;
    this.trialScreen = new TrialScreen(this.screens, {
      api: this.api,
      onState: (state, greeting) => this.go(state, greeting),
      onRefusal: (error, greeting) => this.stumble(error, greeting),
      onPause: () => this.leaveTrial(() => showPause(this.screens, this.state)),
      onHelp: () => this.leaveTrial(() => this.screens.show("help")),
    });
    this.listen();
  }

  // Finds out who is here and shows where they stand.
  async open() {
    speak(preferred(INTERFACE_LANGUAGES), this.root);
    try {
      const reply = await this.identify();
      this.describe(reply.study);
      this.state = reply.visit;
      await this.route(this.state ? await this.deliverKept() : "");
    } catch (error) {
      if (withdrawing()) showWithdrawal(this.screens, "");
      else this.stop(error);
    }
  }

  // Sends the answers that an earlier page could not; says what the rater should know of it.
  async deliverKept() {
    let greeting = "";
    for (const vote of pending.allKept(this.study.name)) {
      try {
        const trouble = () => this.screens.message("lost_study", { title: "lost_title" });
        this.state = await this.trialScreen.deliver(vote, trouble);
      } catch (error) {
        if (error.code === "lease_expired") greeting = say("too_late");
      }
    }
    return greeting;
  }

  async identify() {
    const trouble = () => this.screens.message("lost_study", { title: "lost_title" });
    const link = new URLSearchParams(location.hash.slice(1)).get("resume");
    this.cameByLink = Boolean(link);
    if (link) return persist(() => postJson(`${this.api}/resume`, { link }), trouble).finally(dropHash);
    const reply = await persist(() => this.read(), trouble);
    const language = preferred(reply.study.languages);
    if (reply.visit || language === reply.study.language) return reply;
    return persist(() => this.read(language), trouble);
  }

  read(language) {
    const query = new URLSearchParams();
    const study = this.study?.name ?? new URLSearchParams(location.search).get("study");
    if (study) query.set("study", study);
    if (language) query.set("lang", language);
    return getJson(`${this.api}/visit?${query}`);
  }

  // Puts the study's words, in its language, on every screen.
  describe(study) {
    this.study = study;
    speak(study.language, this.root);
    document.title = study.title;
    for (const place of this.root.querySelectorAll(".rater-title")) place.textContent = study.title;
    describeTask(this.screens, study);
    this.trialScreen.describe(study);
  }

  async route(greeting = "") {
    if (withdrawing()) return showWithdrawal(this.screens, this.state?.stage === "finished" ? this.state.withdrawal_code : "");
    if (!this.state) return showConsent(this.screens, this.study);
    const { stage, answered, total } = this.state;
    const going = stage === "practice" || stage === "trials";
    if (going && this.cameByLink) return this.prepare(); // another device: its screen is looked at as well
    const back = stage === "trials" && answered ? say("welcome_back", { number: Math.min(answered + 1, total), total }) : "";
    return this.go(this.state, greeting || back);
  }

  prepare() {
    this.screens.show("instructions");
  }

  // Shows what the server says comes next.
  async go(state, greeting = "") {
    const from = this.lastStage;
    this.state = state;
    this.lastStage = state.stage;
    if (state.stage === "screen") return this.prepare();
    if (!state.trial) return this.end(state);
    try {
      if (state.stage === "practice" && from !== "practice" && !state.practice.answered) {
        await this.interlude("practice_title", say("practice_lead"));
      } else if (state.stage === "trials" && from === "practice") {
        await this.interlude("practice_over_title", say("practice_over"));
      }
      await this.trialScreen.show(state, greeting);
      this.stumbles = 0;
    } catch (error) {
      await this.stumble(error);
    }
  }

  end(state) {
    forgetAllBut([]);
    if (state.stage === "finished") showThanks(this.screens, state);
    else this.screens.message("withdrawn");
  }

  // A card between two parts; the pictures that follow are loaded meanwhile.
  interlude(title, text) {
    const { trial } = this.state;
    loadAhead([trial.ground_truth, ...trial.pictures]);
    this.screens.fill("interlude_title", say(title));
    this.screens.fill("interlude", text);
    this.screens.show("interlude");
    return new Promise((resolve) => {
      this.screens.find("#rater-onward").addEventListener("click", resolve, { once: true });
    });
  }

  async agree(onTrouble) {
    const { name, language, consent } = this.study;
    const invitation = new URLSearchParams(location.hash.slice(1)).get("invite");
    const agreement = { study: name, attempt: pending.attempt(name), language, consent_sha256: consent.sha256 };
    try {
      const body = invitation ? { ...agreement, invitation } : agreement;
      const reply = await persist(() => postJson(`${this.api}/visit`, body), onTrouble);
      pending.dropAttempt(name);
      dropHash();
      await this.go(reply.visit);
    } catch (error) {
      if (error.code === "consent_changed") await this.chooseLanguage(language, say("consent_changed"));
      else this.stop(error);
    }
  }

  async chooseLanguage(language, alert = "") {
    try {
      const reply = await persist(() => this.read(language), () => {});
      this.describe(reply.study);
      showConsent(this.screens, reply.study, alert);
    } catch (error) {
      this.stop(error);
    }
  }

  async check(report, onTrouble) {
    const study = encodeURIComponent(this.study.name);
    try {
      const state = await persist(() => postJson(`${this.api}/screen?study=${study}`, report), onTrouble);
      this.cameByLink = false;
      await this.go(state);
    } catch (error) {
      this.stop(error);
    }
  }

  readTrial() {
    return getJson(`${this.api}/trial?study=${encodeURIComponent(this.study.name)}`);
  }

  // Where the visit went on elsewhere, asks where it stands; other refusals end it.
  async stumble(error, greeting = "") {
    this.stumbles += 1;
    if (!MOVED_ON.includes(error.code) || this.stumbles > MOST_STUMBLES) return this.stop(error);
    try {
      const state = await persist(() => this.readTrial(), () => this.screens.message("lost_study", { title: "lost_title" }));
      return await this.go(state, greeting || say(error.code === "lease_expired" ? "too_late" : "already_answered"));
    } catch (next) {
      return this.stop(next);
    }
  }

  // Keeps the trial's lease, and notices what another tab did to it.
  async renew() {
    const { trialScreen } = this;
    if (!trialScreen.accepting || document.hidden) return;
    const state = await this.readTrial().catch(() => null); // without a line, the answer itself will tell
    if (!state || !trialScreen.accepting || state.trial?.token === trialScreen.state.trial.token) return;
    await this.go(state, say("already_answered"));
  }

  leaveTrial(show) {
    if (this.screens.current !== "trial") return;
    this.trialScreen.clock.pause(true);
    show();
  }

  async returnToTrial() {
    this.screens.show("trial");
    this.trialScreen.clock.pause(false);
    await this.renew();
  }

  stop(error) {
    if (error instanceof Damaged) return this.screens.message("unusable", { retry: true });
    if (!(error instanceof Refusal)) {
      this.screens.message("wrong", { retry: true });
      throw error; // to the console, for whoever mends this page
    }
    return this.screens.refusal(error);
  }

  listen() {
    const { screens } = this;
    listenToConsent(screens, {
      onLanguage: (language) => this.chooseLanguage(language),
      onAgree: (onTrouble) => this.agree(onTrouble),
    });
    listenToCheck(screens, (report, onTrouble) => this.check(report, onTrouble));
    listenToCopying(screens);
    listenToWithdrawal(screens, this.api, (count) => {
      dropHash();
      screens.message("withdraw_done", { title: "withdrawn_title", values: { count } });
    });
    screens.find("#rater-understood").addEventListener("click", () => showCheck(screens));
    screens.find("#rater-undo-last").addEventListener("click", () => this.trialScreen.undo(this.state));
    for (const link of this.root.querySelectorAll('a[href^="#"]')) {
      link.href = location.pathname + location.search + link.getAttribute("href"); // Gradio's base has no query
    }
    for (const button of this.root.querySelectorAll('[data-goes="back"]')) {
      button.addEventListener("click", () => this.returnToTrial());
    }
    addEventListener("hashchange", () => (this.study && !location.hash.includes("resume=") ? this.route() : this.open()));
    addEventListener("pageshow", (event) => event.persisted && location.reload()); // kept by the back button: out of date
    document.addEventListener("visibilitychange", () => this.renew());
    setInterval(() => this.renew(), RENEW_MS);
  }
}

const withdrawing = () => location.hash === "#withdraw";
const dropHash = () => history.replaceState(null, "", location.pathname + location.search);
