// Leaving: pause with the personal link, thanks with the withdrawal code, withdrawal.

import { Refusal, pagePath, persist, postJson } from "./server.js";
import { say } from "./texts.js";

export function listenToCopying(screens) {
  for (const button of screens.root.querySelectorAll("[data-copies]")) {
    button.addEventListener("click", async () => {
      const copied = await copy(screens.find(`#${button.dataset.copies}`));
      button.textContent = say(copied ? "copied" : "copy_by_hand");
      setTimeout(() => (button.textContent = say(button.dataset.text)), 2500);
    });
  }
}

// Without https there is no clipboard to write to: what is selected can still be copied.
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}

export function showPause(screens, state) {
  const link = new URL(pagePath() + state.resume_path.slice(state.resume_path.indexOf("?")), location.origin).href;
  screens.find("#rater-link").value = link;
  const share = screens.find("#rater-share");
  share.hidden = !navigator.share;
  share.onclick = () => navigator.share({ url: link }).catch(() => {}); // the rater changed their mind
  screens.show("pause");
}

export function showThanks(screens, state) {
  screens.fill("saved", say("saved", { total: state.total }));
  screens.find("#rater-withdrawal-code").value = state.withdrawal_code;
  screens.find("#rater-undo-last").hidden = !state.undo;
  screens.show("done");
}

// code: the withdrawal code where this browser's rater has just been shown it, else empty.
export function showWithdrawal(screens, code) {
  screens.find("#rater-code").value = code;
  screens.find("#rater-sure").checked = false;
  screens.find("#rater-withdraw-alert").textContent = "";
  screens.show("withdraw");
}

export function listenToWithdrawal(screens, api, onWithdrawn) {
  screens.find("#rater-withdraw-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const alert = (text) => (screens.find("#rater-withdraw-alert").textContent = text);
    alert("");
    try {
      const code = screens.find("#rater-code").value.trim();
      const reply = await persist(() => postJson(`${api}/withdraw`, { code }), () => alert(say("lost_sending")));
      onWithdrawn(reply.withdrawn_votes);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      alert(error.status === 404 || error.status === 422 ? say("unknown_code") : error.message);
    }
  });
}
