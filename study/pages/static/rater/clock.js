// The response time: from both pictures decoded and shown to the answer, leaving out pauses and hidden tabs.

export class Clock {
  constructor() {
    this.passedMs = 0;
    this.runningSince = null;
    this.paused = false;
    document.addEventListener("visibilitychange", () => this.update());
  }

  // Waits until the frame that holds the pictures was painted, then begins to count.
  async start() {
    await painted();
    this.passedMs = 0;
    this.runningSince = null;
    this.update();
  }

  pause(paused) {
    this.paused = paused;
    this.update();
  }

  update() {
    const now = performance.now();
    if (this.runningSince !== null) this.passedMs += now - this.runningSince;
    this.runningSince = this.paused || document.hidden ? null : now;
  }

  elapsedMs() {
    this.update();
    return Math.round(this.passedMs);
  }
}

// A hidden tab paints nothing: its clock waits until somebody looks.
async function painted() {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
  await new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
    setTimeout(resolve, 500); // a tab hidden between the two frames
  });
}
