// What part of the pictures is seen, the same part of all of them.
//
// A view is {scale, x, y}: scale 1 shows the whole picture in its frame, (x, y) is the upper left corner of what is
// seen, as fractions of the picture. Points in a frame are fractions of the frame. Nothing here knows the document.

export const WHOLE = Object.freeze({ scale: 1, x: 0, y: 0 });

// Keeps the frame filled: no view reaches beyond the picture's edges.
export function bounded(view, largestScale) {
  const scale = Math.min(Math.max(view.scale, 1), Math.max(1, largestScale));
  const furthest = 1 - 1 / scale;
  const inside = (start) => Math.min(Math.max(start, 0), furthest);
  return { scale, x: inside(view.x), y: inside(view.y) };
}

// Enlarges by a factor; the part of the picture under the point stays under it.
export function zoomedAt(view, factor, point, largestScale) {
  const scale = Math.min(Math.max(view.scale * factor, 1), Math.max(1, largestScale));
  const shift = 1 / view.scale - 1 / scale;
  return bounded({ scale, x: view.x + point.x * shift, y: view.y + point.y * shift }, largestScale);
}

// Moves the picture under the frame by fractions of the frame.
export function pannedBy(view, dx, dy, largestScale) {
  return bounded({ scale: view.scale, x: view.x - dx / view.scale, y: view.y - dy / view.scale }, largestScale);
}

// The point of the picture that is seen at a point of the frame, as fractions of the picture.
export function pictureAt(view, point) {
  return { x: view.x + point.x / view.scale, y: view.y + point.y / view.scale };
}
