// Pictures, loaded ahead and held as blobs: they are sent with no-store, so the browser keeps none of them itself.

import { requestPicture } from "./server.js";

export class Damaged extends Error {} // a picture that arrived and cannot be decoded

const held = new Map(); // URL -> promise of an object URL, loaded once

export function loadAhead(urls) {
  for (const url of urls) load(url).catch(() => {}); // tried again when its turn comes
}

export function forgetAllBut(urls) {
  for (const url of [...held.keys()]) if (!urls.includes(url)) forget(url);
}

// The object URL of a picture whose pixels are ready to be shown.
export async function loadDecoded(url) {
  const loading = load(url);
  const ahead = new Image();
  ahead.src = await loading;
  try {
    await ahead.decode();
  } catch {
    if (held.get(url) === loading) forget(url); // else the next try would meet the same bytes
    throw new Damaged();
  }
  return ahead.src;
}

function load(url) {
  if (!held.has(url)) {
    const loading = requestPicture(url).then((blob) => URL.createObjectURL(blob));
    loading.catch(() => held.delete(url));
    held.set(url, loading);
  }
  return held.get(url);
}

function forget(url) {
  const loading = held.get(url);
  held.delete(url);
  loading.then((object) => URL.revokeObjectURL(object), () => {});
}
