// Where the pictures of a trial go. Of the layouts that show everything the one with the largest pictures wins. Where
// that makes them small, and much smaller than they could be, pictures take turns and the ground truth is shown in place.

export const CAPTION_PX = 26;
export const GAP_PX = 10;
const SMALL_PX = 360; // the longer side of a picture that is too small beside others
const WORTH_HIDING = 0.72; // of the width it could have
const CLOSE_TO_NATIVE = 1.1;

// Widths in CSS pixels of `count` pictures that share a stage.
const row = (stage, aspect, count) =>
  Math.min((stage.width - GAP_PX * (count - 1)) / count, (stage.height - CAPTION_PX) * aspect);
const stack = (stage, aspect, count) =>
  Math.min(stage.width, ((stage.height - GAP_PX * (count - 1)) / count - CAPTION_PX) * aspect);
const pyramid = (stage, aspect) =>
  Math.min((stage.width - GAP_PX) / 2, ((stage.height - GAP_PX) / 2 - CAPTION_PX) * aspect);
const single = (stage, aspect) => Math.min(stage.width, stage.height * aspect);

// Chooses {name, shows: "all" | "candidates" | "one", width, height} for pictures of one size.
//
// stage: {width, height} in CSS pixels. picture: {width, height} in its own pixels. candidates: 1 in a rating study,
// 2 in a pairwise one. pixelRatio: device pixels per CSS pixel.
export function chooseLayout({ stage, picture, candidates, pixelRatio }) {
  const aspect = picture.width / picture.height;
  const all = [
    { name: "row", shows: "all", width: row(stage, aspect, candidates + 1) },
    { name: "stack", shows: "all", width: stack(stage, aspect, candidates + 1) },
  ];
  if (candidates === 2) all.push({ name: "pyramid", shows: "all", width: pyramid(stage, aspect) });
  const pair = [
    { name: "row", shows: "candidates", width: row(stage, aspect, 2) },
    { name: "stack", shows: "candidates", width: stack(stage, aspect, 2) },
  ];
  const one = [{ name: "single", shows: "one", width: single(stage, aspect) }];
  const groups = candidates === 2 ? [all, pair, one] : [all, one];
  const chosen = groups.map(largest).reduce((kept, next) => {
    const small = kept.width * Math.max(1, 1 / aspect) < SMALL_PX;
    return small && kept.width < WORTH_HIDING * next.width ? next : kept;
  });
  const width = Math.max(40, Math.floor(snapped(chosen.width, picture.width / pixelRatio)));
  return { ...chosen, width, height: Math.round(width / aspect) };
}

const largest = (layouts) => layouts.reduce((kept, next) => (next.width > kept.width ? next : kept));

// Slightly larger than its own pixels is shown pixel for pixel: resampling would blur what is being judged.
const snapped = (width, native) => (width >= native && width < native * CLOSE_TO_NATIVE ? native : width);
