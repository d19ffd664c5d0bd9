// The keyboard during a trial.

const COMMANDS = { u: "undo", l: "loupe", f: "whole", p: "pause", "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", "?": "help" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// actions: {undo, loupe, whole, pause, zoomIn, zoomOut, help: functions without arguments; number(n), arrow(key),
// pan(dx, dy) with directions, flip(on)}. active(): whether a trial is on the screen.
export function listenToKeys(actions, active) {
  addEventListener("keydown", (event) => {
    if (!active() || event.altKey) return;
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo && !event.repeat) {
      event.preventDefault();
      return actions.undo();
    }
    if (event.ctrlKey || event.metaKey) return; // the browser's own, zoom among them
    if (event.key in ARROWS) arrow(event);
    else if (!event.repeat || "+=-".includes(event.key)) key(event);
  });
  addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "g") actions.flip(false);
  });
  addEventListener("blur", () => actions.flip(false)); // the key is released elsewhere

  function arrow(event) {
    event.preventDefault();
    if (event.shiftKey) actions.pan(...ARROWS[event.key]);
    else if (!event.repeat) actions.arrow(event.key);
  }

  function key(event) {
    const name = event.key.toLowerCase();
    if (/^[0-9]$/.test(name)) actions.number(Number(name));
    else if (name === "g") actions.flip(true);
    else if (name in COMMANDS) actions[COMMANDS[name]]();
  }
}
