// The rater's page. Gradio hands over `element`, the container of rater.html, and runs this once.
//
// The server owns the visit: this script shows what it is told and sends answers. An answer is written to the
// browser's own storage before it is sent and is sent again, with the same trial token, until the server has it;
// the server keeps the first answer to a token, so sending twice is safe.

function startRaterPage(root) {
  const PENDING = "bggan-pending-vote";
  const ACCIDENT_MS = 350; // a second click this soon after new pictures was meant for the old ones
  const RETRY_MS = [1000, 2000, 4000, 8000];
  const PATIENCE_MS = 20000; // for an answer, or for the next bytes of a picture
  const DAMAGED_TRIES = 3;
  const attempt = randomHex(16); // a beginning sent twice, because its reply was lost, enrols one rater
  const api = location.pathname.replace(/\/+$/, "") + "/api";
  const $ = (selector) => root.querySelector(selector);
  const stage = $("#rater-stage");

  let study = null;
  let trial = null; // the one on the screen
  let accepting = false;
  let shownAt = 0;
  const pictures = new Map(); // URL -> promise of an object URL, loaded once

  // Talking to the server

  class Refusal extends Error {
    constructor(detail, status) {
      super((detail && detail.message) || "The server refused the request (" + status + ").");
      this.code = detail && detail.code;
    }
  }

  class Damaged extends Error {} // a picture that arrived and cannot be decoded

  async function request(path, options) {
    const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), ...options });
    if (response.ok) return response;
    if (response.status >= 500 || response.status === 429) throw new Error("server trouble " + response.status);
    const body = await response.json().catch(() => ({}));
    throw new Refusal(body.detail, response.status);
  }

  const post = (path, body) =>
    request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

  // A large picture on a slow line may take minutes: it is given up only when no byte has come for a while.
  async function requestPicture(url) {
    const idle = new AbortController();
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), PATIENCE_MS);
    };
    try {
      wait();
      const response = await request(url, { signal: idle.signal });
      const reader = response.body.getReader();
      const parts = [];
      for (;;) {
        wait();
        const { done, value } = await reader.read();
        if (done) return new Blob(parts, { type: response.headers.get("Content-Type") });
        parts.push(value);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  // Tries until the server answers; a refusal is an answer. `onTrouble` may throw to give up.
  async function persist(task, onTrouble) {
    for (let failures = 0; ; failures += 1) {
      try {
        return await task();
      } catch (error) {
        if (error instanceof Refusal) throw error;
        onTrouble(error);
        await pauseOrOnline(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      }
    }
  }

  const pauseOrOnline = (ms) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        removeEventListener("online", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      addEventListener("online", done);
    });

  // crypto.randomUUID is missing where the page is served without https.
  function randomHex(bytes) {
    return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // The answer on its way

  const pending = {
    keep(vote) {
      try { localStorage.setItem(PENDING, JSON.stringify(vote)); } catch { /* private mode: memory has to do */ }
    },
    read() {
      try { return JSON.parse(localStorage.getItem(PENDING)); } catch { return null; }
    },
    drop() {
      try { localStorage.removeItem(PENDING); } catch { /* nothing was kept */ }
    },
  };

  async function deliver(vote, onTrouble) {
    const response = await persist(() => post(api + "/vote", vote), onTrouble);
    pending.drop();
    return response.json();
  }

  async function answer(value) {
    if (!accepting) return;
    accept(false);
    press(value);
    const vote = {
      trial: trial.token,
      value,
      response_ms: Math.max(0, Math.round(performance.now() - shownAt)),
      viewport_width: Math.max(1, Math.round(innerWidth)),
      viewport_height: Math.max(1, Math.round(innerHeight)),
      device_pixel_ratio: devicePixelRatio,
    };
    pending.keep(vote);
    const trouble = () => warn("Connection lost. Your answer " + value + " is kept and will be sent again.");
    try {
      await show(await deliver(vote, trouble));
    } catch (error) {
      pending.drop();
      stop(error);
    }
  }

  // Pictures, loaded ahead and held as blobs: they are sent with no-store

  function load(url) {
    if (!pictures.has(url)) {
      const loading = requestPicture(url).then((blob) => URL.createObjectURL(blob));
      loading.catch(() => pictures.delete(url));
      pictures.set(url, loading);
    }
    return pictures.get(url);
  }

  function forget(url) {
    const loading = pictures.get(url);
    pictures.delete(url);
    loading.then((object) => URL.revokeObjectURL(object), () => {});
  }

  function forgetAllBut(urls) {
    for (const url of [...pictures.keys()]) if (!urls.includes(url)) forget(url);
  }

  async function loadDecoded(url) {
    const loading = load(url);
    const ahead = new Image();
    ahead.src = await loading;
    try {
      await ahead.decode();
    } catch {
      if (pictures.get(url) === loading) forget(url); // else the next try would meet the same bytes
      throw new Damaged();
    }
    return ahead.src;
  }

  async function place(next) {
    const [groundTruth, picture] = await Promise.all([loadDecoded(next.ground_truth), loadDecoded(next.picture)]);
    const sources = { ground_truth: groundTruth, picture };
    const images = [...stage.querySelectorAll("img")];
    for (const image of images) image.src = sources[image.dataset.role];
    await Promise.all(images.map((image) => image.decode().catch(() => {})));
  }

  // Screens

  function accept(answers) {
    accepting = answers;
    $("#rater-trial").setAttribute("aria-busy", String(!answers));
  }

  function screen(name) {
    root.dataset.screen = name;
    const heading = $('[data-name="' + name + '"] h1');
    if (name !== "trial" && heading) heading.focus({ preventScroll: true });
  }

  function message(title, text) {
    $("#rater-message h1").textContent = title;
    $("#rater-message p").textContent = text;
    screen("message");
  }

  // While a trial is on the screen it stays there; before the first one there is only the message.
  function report(title, text) {
    if (root.dataset.screen === "trial") warn(title + ". " + text);
    else message(title, text);
  }

  function stop(error) {
    if (error instanceof Damaged) return message("A picture cannot be shown", "It arrived damaged " + DAMAGED_TRIES + " times. Your answers so far are saved. Please tell whoever sent you the link, and reload the page later.");
    if (!(error instanceof Refusal)) return message("Something went wrong", "Please reload the page. Your answers so far are saved.");
    const screens = {
      no_study_open: ["No study is open", "There is nothing to rate right now. Thank you for coming by."],
      unknown_study: ["This study is not available", "Please check the link you were given."],
      study_closed: ["This study is closed", "It takes no more answers. Thank you for your interest."],
      not_a_rater: ["Please allow cookies", "Without a cookie the study cannot keep your place. Allow it for this page, then reload."],
    };
    message(...(screens[error.code] || ["Something went wrong", error.message + " Please reload the page."]));
  }

  function note(text) {
    $("#rater-note").textContent = text;
    warn("");
    arrange();
  }

  function warn(text) {
    $("#rater-warning").textContent = text;
  }

  function press(value) {
    for (const button of root.querySelectorAll(".rater-value")) {
      button.setAttribute("aria-pressed", String(button.dataset.value === String(value)));
    }
  }

  function hint() {
    const withKey = study.scale.map((point) => point.value).filter((value) => value <= 9);
    const hold = "Hold the picture to see the ground truth in its place.";
    const keys = "Keys " + withKey[0] + " to " + withKey.at(-1) + " answer. Hold the picture, or the key G, to see the ground truth in its place.";
    return matchMedia("(hover: hover)").matches ? keys : hold;
  }

  function fill(name, text) {
    for (const place of root.querySelectorAll('[data-fill="' + name + '"]')) place.textContent = text;
  }

  function describe() {
    const [worst, best] = [study.scale[0], study.scale.at(-1)];
    const minutes = Math.max(1, Math.ceil((study.trials * 8) / 60));
    document.title = study.title;
    $("#rater-start h1").textContent = study.title;
    $(".rater-title").textContent = study.title;
    $("#rater-question").textContent = study.question;
    fill("trials", String(study.trials));
    fill("minutes", minutes === 1 ? "a minute" : minutes + " minutes");
    fill("worst", worst.value + ": " + worst.label);
    fill("best", best.value + ": " + best.label);
    $(".rater-sample-values").replaceChildren(
      ...study.scale.map((point) => Object.assign(document.createElement("span"), { textContent: point.value })),
    );
    $(".rater-scale").replaceChildren(...study.scale.map(valueButton));
  }

  function valueButton(point) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "rater-value";
    button.dataset.value = point.value;
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", point.label ? point.value + ", " + point.label : String(point.value));
    button.append(Object.assign(document.createElement("b"), { textContent: point.value }));
    button.append(Object.assign(document.createElement("small"), { textContent: point.label }));
    button.addEventListener("click", () => answer(point.value));
    return button;
  }

  function progress(state) {
    const bar = $(".rater-bar");
    $("#rater-count").textContent = Math.min(state.answered + 1, state.total) + " of " + state.total;
    bar.setAttribute("aria-valuemax", state.total);
    bar.setAttribute("aria-valuenow", state.answered);
    $(".rater-bar-fill").style.width = (100 * state.answered) / state.total + "%";
  }

  // A trial

  async function show(state, greeting = "") {
    accept(false);
    trial = state.trial;
    if (!trial) {
      forgetAllBut([]);
      return screen("done");
    }
    const waiting = setTimeout(() => stage.classList.add("rater-waiting"), 150);
    await persist(() => place(state.trial), pictureTrouble());
    clearTimeout(waiting);
    stage.classList.remove("rater-waiting");
    flip(false);
    press(null);
    progress(state);
    screen("trial");
    note(greeting || hint());
    shownAt = await painted();
    setTimeout(() => accept(trial === state.trial), ACCIDENT_MS);
    loadAhead(state);
  }

  function pictureTrouble() {
    let damaged = 0;
    return (error) => {
      if (!(error instanceof Damaged)) return report("Connection lost", "The next pictures will be loaded as soon as it is back.");
      damaged += 1;
      if (damaged === DAMAGED_TRIES) throw error;
      report("A picture arrived damaged", "It is being loaded again.");
    };
  }

  // After the frame in which the pictures appear.
  const painted = () =>
    new Promise((resolve) => {
      const done = () => resolve(performance.now());
      requestAnimationFrame(() => requestAnimationFrame(done));
      setTimeout(done, 100); // hidden tabs paint no frames
    });

  function loadAhead(state) {
    const wanted = [state.trial, state.upcoming].filter(Boolean).flatMap((t) => [t.ground_truth, t.picture]);
    forgetAllBut(wanted);
    for (const url of wanted) load(url).catch(() => {}); // tried again when its turn comes
  }

  // Chooses the layout in which the pictures are largest: beside each other, above each other, or, where both would
  // be much smaller than one alone, one at a time with a button to flip.
  function arrange() {
    if (!trial) return;
    const style = getComputedStyle(stage);
    const width = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = stage.clientHeight;
    const aspect = trial.width / trial.height;
    const [caption, gap] = [28, 12];
    const sizes = {
      side: Math.min((width - gap) / 2, (height - caption) * aspect),
      stack: Math.min(width, ((height - 4 - 2 * caption) / 2) * aspect),
      single: Math.min(width, (height - 52) * aspect),
    };
    let layout = sizes.side >= sizes.stack ? "side" : "stack";
    if (sizes[layout] < 0.6 * sizes.single) layout = "single";
    const shown = Math.max(40, Math.floor(sizes[layout]));
    stage.dataset.layout = layout;
    stage.style.setProperty("--picture-width", shown + "px");
    stage.style.setProperty("--picture-height", Math.round(shown / aspect) + "px");
  }

  function flip(toGroundTruth) {
    stage.classList.toggle("rater-flipped", toGroundTruth);
    const button = $("#rater-flip");
    button.setAttribute("aria-pressed", String(toGroundTruth));
    button.textContent = toGroundTruth ? "Show picture to rate" : "Show ground truth";
  }

  // What the rater does

  async function begin() {
    const button = $("#rater-begin");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      const response = await persist(
        () => post(api + "/visit", { study: study.name, attempt }),
        () => { button.textContent = "Connection lost, trying again"; },
      );
      await show((await response.json()).visit);
    } catch (error) {
      stop(error);
    }
  }

  function listen() {
    const frame = $('[data-pane="rated"] .rater-frame');
    $("#rater-begin").addEventListener("click", begin);
    $("#rater-flip").addEventListener("click", () => flip(!stage.classList.contains("rater-flipped")));
    frame.addEventListener("pointerdown", () => flip(true));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) frame.addEventListener(end, () => flip(false));
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    addEventListener("keydown", (event) => {
      if (root.dataset.screen !== "trial" || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "g" || event.key === "G") flip(true);
      else if (/^[0-9]$/.test(event.key) && study.scale.some((p) => p.value === Number(event.key))) answer(Number(event.key));
    });
    addEventListener("keyup", (event) => {
      if (event.key === "g" || event.key === "G") flip(false);
    });
    new ResizeObserver(arrange).observe(stage);
  }

  async function open() {
    const trouble = () => message("Connection lost", "The study will be loaded as soon as the connection is back.");
    const wanted = new URLSearchParams(location.search).get("study");
    const query = wanted ? "?study=" + encodeURIComponent(wanted) : "";
    try {
      const left = pending.read();
      if (left) await deliver(left, trouble).catch(() => pending.drop()); // refused: of no more use
      const response = await persist(() => request(api + "/visit" + query), trouble);
      const opened = await response.json();
      study = opened.study;
      describe();
      if (!opened.visit) return screen("start");
      const at = opened.visit.answered + 1;
      await show(opened.visit, opened.visit.answered ? "Welcome back. You are at picture " + at + " of " + opened.visit.total + "." : "");
    } catch (error) {
      stop(error);
    }
  }

  listen();
  open();
}

startRaterPage(element.querySelector(".rater"));
