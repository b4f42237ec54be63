// Work that follows the frames of the screen.

const AWAKE = 120;

/** Does work at most once a frame, with the newest state. */
export class Frame {
  /** @param {(now: number) => void} work */
  constructor(work) {
    this.work = work;
    this.pending = 0;
    this.awakeUntil = 0;
  }

  request() {
    this.pending ||= requestAnimationFrame((now) => {
      this.pending = 0;
      this.work(now);
      if (now < this.awakeUntil) this.request();
    });
  }

  /** Paints every frame while a hand moves, even a frame whose input event comes too late. */
  stayAwake() {
    this.awakeUntil = performance.now() + AWAKE;
    this.request();
  }

  cancel() {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
  }
}

/** Calls `step(seconds)` every frame while it runs. A hidden tab takes no step. */
export class Clock {
  running = false;
  seconds = 0;

  /** @param {(seconds: number) => void} step */
  constructor(step) {
    /** @type {number | undefined} */
    this.last = undefined;
    this.frame = new Frame((now) => {
      const elapsed = Math.min(now - (this.last ?? now), 50) / 1000;
      this.last = now;
      this.seconds += elapsed;
      step(elapsed);
      if (this.running) this.frame.request();
    });
  }

  start() {
    this.running = true;
    this.last = undefined;
    this.frame.request();
  }

  stop() {
    this.running = false;
    this.frame.cancel();
  }
}
