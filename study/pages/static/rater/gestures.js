// Fingers, mouse and wheel on the pictures: drag pans, pinch and wheel zoom, a double tap zooms in and out, a press
// that stays flips to the ground truth. With the loupe on, one finger or the mouse moves the loupe instead.

const HOLD_MS = 140; // shorter presses are taps, and the first finger of a pinch
const DOUBLE_TAP_MS = 320;
const STILL_PX = 8; // a finger that moves less than this has not moved
const DOUBLE_TAP_PX = 32;
const FINGER_PX = 90; // the loupe is seen this far above the finger, which would cover it

// stage: {zoomBy(factor, point), panBy(dx, dy), toggleZoom(point), isZoomed(), flip(pane), loupeIsOn(),
// loupeTo(point, liftPx), hideLoupe()}; points are fractions of a frame, moves are fractions of a frame.
export function listenToGestures(element, stage) {
  const fingers = new Map(); // pointer id -> {x, y} in CSS pixels
  let frame = null; // where the gesture began
  let gesture = null; // "press" | "hold" | "pan" | "pinch" | "loupe" | "spent"
  let start = null;
  let lastTap = { time: -Infinity, x: 0, y: 0 };
  let holdTimer;

  const inFrame = ({ x, y }, of = frame) => {
    const box = of.getBoundingClientRect();
    return { x: (x - box.left) / box.width, y: (y - box.top) / box.height };
  };
  const at = (event) => ({ x: event.clientX, y: event.clientY });
  const lift = (event) => (event.pointerType === "mouse" ? 0 : FINGER_PX);

  function end() {
    clearTimeout(holdTimer);
    if (gesture === "hold") stage.flip(null);
    gesture = null;
  }

  function press(event) {
    start = at(event);
    if (stage.loupeIsOn()) {
      gesture = "loupe";
      return stage.loupeTo(inFrame(start), lift(event));
    }
    gesture = "press";
    const pane = frame.closest("[data-pane]").dataset.pane;
    holdTimer = setTimeout(() => {
      gesture = "hold";
      stage.flip(pane);
    }, HOLD_MS);
  }

  function tap(event) {
    const near = Math.hypot(event.clientX - lastTap.x, event.clientY - lastTap.y) < DOUBLE_TAP_PX;
    const double = near && event.timeStamp - lastTap.time < DOUBLE_TAP_MS;
    if (double) stage.toggleZoom(inFrame(at(event)));
    lastTap = { time: double ? -Infinity : event.timeStamp, ...at(event) };
  }

  function down(event) {
    const target = event.target.closest(".rater-frame");
    if (!target || event.button !== 0 || fingers.size === 2) return;
    event.preventDefault(); // no dragging of pictures, no selection; keeps the focus where it is
    if (!fingers.size) frame = target;
    target.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    if (fingers.size === 1) return press(event);
    end();
    gesture = "pinch";
  }

  function move(event) {
    const before = fingers.get(event.pointerId);
    if (!before) return hover(event);
    const now = at(event);
    if (gesture === "pinch") pinch(event.pointerId, before, now);
    else if (gesture === "loupe") stage.loupeTo(inFrame(now), lift(event));
    else drag(before, now);
    fingers.set(event.pointerId, now);
  }

  function hover(event) {
    const target = stage.loupeIsOn() && event.target.closest(".rater-frame");
    if (target) stage.loupeTo(inFrame(at(event), target), 0);
    else if (!fingers.size) stage.hideLoupe();
  }

  function drag(before, now) {
    if (gesture === "press" && Math.hypot(now.x - start.x, now.y - start.y) > STILL_PX) {
      clearTimeout(holdTimer);
      gesture = stage.isZoomed() ? "pan" : "spent";
    }
    if (gesture !== "pan" && gesture !== "hold") return;
    const box = frame.getBoundingClientRect();
    stage.panBy((now.x - before.x) / box.width, (now.y - before.y) / box.height);
  }

  function pinch(id, before, now) {
    const still = [...fingers].find(([other]) => other !== id)[1];
    const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const distance = (a, b) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    const [from, to] = [inFrame(middle(before, still)), inFrame(middle(now, still))];
    stage.zoomBy(distance(now, still) / distance(before, still), from);
    stage.panBy(to.x - from.x, to.y - from.y);
  }

  function up(event) {
    if (!fingers.delete(event.pointerId)) return;
    const wasTap = gesture === "press" && event.type === "pointerup";
    const wasPinch = gesture === "pinch";
    if (gesture === "loupe" && event.pointerType !== "mouse") stage.hideLoupe();
    end();
    if (wasTap) tap(event);
    if (wasPinch && fingers.size) gesture = "pan"; // the finger that stays goes on moving the picture
  }

  function wheel(event) {
    const target = event.target.closest(".rater-frame");
    if (!target) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.002; // a trackpad's pinch comes as small steps with ctrl
    stage.zoomBy(Math.exp(-event.deltaY * lines * speed), inFrame(at(event), target));
  }

  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", () => fingers.size || stage.hideLoupe());
  element.addEventListener("wheel", wheel, { passive: false });
  element.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press on a phone
  for (const name of ["gesturestart", "gesturechange"]) {
    element.addEventListener(name, (event) => event.preventDefault()); // Safari's zoom of the whole page
  }
}
