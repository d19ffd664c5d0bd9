// Answers on their way: written to the browser's own storage before they are sent, and dropped when the server has
// them or refuses them. Each trial has a place of its own, so two tabs never overwrite each other's answer.
//
// Likewise the attempt to begin: a beginning sent again after a reload, because its reply was lost, enrols one rater.

import { randomHex } from "./server.js";

const PREFIX = "bggan-pending-vote/";
const ATTEMPT = "bggan-attempt/";
const attempts = {}; // where there is no storage

export function keep(study, vote) {
  try {
    localStorage.setItem(`${PREFIX}${study}/${vote.trial}`, JSON.stringify(vote));
  } catch {
    // Private mode without storage: the page's memory has to do.
  }
}

export function drop(study, vote) {
  try {
    localStorage.removeItem(`${PREFIX}${study}/${vote.trial}`);
  } catch {
    // Nothing was kept.
  }
}

export function allKept(study) {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(`${PREFIX}${study}/`));
    return names.map((name) => JSON.parse(localStorage.getItem(name)));
  } catch {
    return [];
  }
}

export function attempt(study) {
  try {
    attempts[study] ??= localStorage.getItem(ATTEMPT + study) ?? randomHex(16);
    localStorage.setItem(ATTEMPT + study, attempts[study]);
  } catch {
    attempts[study] ??= randomHex(16);
  }
  return attempts[study];
}

export function dropAttempt(study) {
  delete attempts[study];
  try {
    localStorage.removeItem(ATTEMPT + study);
  } catch {
    // Nothing was kept.
  }
}
