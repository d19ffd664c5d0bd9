// Talking to the server, on lines that break: whatever gets no answer is tried again, a refusal is an answer.

const PATIENCE_MS = 20000; // for an answer, or for the next bytes of a picture
const RETRY_MS = [1000, 2000, 4000, 8000];

export class Refusal extends Error {
  constructor(detail, status) {
    super(typeof detail?.message === "string" ? detail.message : `The server refused the request (${status}).`);
    this.code = detail?.code;
    this.status = status;
  }
}

export async function request(path, options) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), ...options });
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  const busy = response.status === 429 && !body.detail?.code;
  if (response.status >= 500 || busy) throw new Error(`server trouble ${response.status}`);
  throw new Refusal(body.detail, response.status);
}

export const getJson = async (path) => (await request(path)).json();

// `keepalive` lets an answer reach the server although its page is being closed.
export async function postJson(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await request(path, { method: "POST", headers, body: JSON.stringify(body), keepalive: true })).json();
}

// A large picture on a slow line may take minutes: it is given up only when no byte has come for a while.
export async function requestPicture(url) {
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

// Tries until the server answers. `onTrouble(error)` tells the rater and may throw to give up.
export async function persist(task, onTrouble) {
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

function pauseOrOnline(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}

// crypto.randomUUID is missing where the page is served without https.
export function randomHex(bytes) {
  const numbers = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(numbers, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The page's own path, ending with a slash: it may be mounted anywhere.
export const pagePath = () => location.pathname.replace(/\/*$/, "/");
