// Frames of a motion that no hand makes. Its course is known, so the server is asked ahead of time,
// about once a second, and not for every frame.

/** @import { Numbers } from "../specs.d.ts" */
/** @import { Slot } from "../transport/request_channel.js" */
/** @import { ServedDecoder } from "../transport/server_networks.js" */

const FRAME = 1 / 30;
const STRETCH = 0.8;

/** Prefetches the frames of a motion and shows them in time. */
export class FramePrefetch {
  /**
   * @param {ServedDecoder} decoder
   * @param {AbortSignal} signal
   * @param {object} act
   * @param {(pixels: Float32Array) => void} act.draw
   * @param {(asked?: number) => void} act.answered
   */
  constructor(decoder, signal, { draw, answered }) {
    this.decoder = decoder;
    this.draw = draw;
    this.answered = answered;
    /** @type {Slot} */
    this.slot = { signal };
    this.step = FRAME;
    this.took = 0;
    /** @type {{ moment: number, pixels: Float32Array }[]} */
    this.frames = [];
    /** @type {object | undefined} */
    this.asked = undefined;
  }

  /**
   * Shows the motion at `now` seconds.
   *
   * @param {number} now
   * @param {(seconds: number) => Numbers} codeAt Returns the code of a moment, which the next call
   *   overwrites.
   */
  show(now, codeAt) {
    const later = this.frames.findIndex(({ moment }) => moment > now);
    const due = this.frames.splice(0, later < 0 ? this.frames.length : later).at(-1);
    if (due) this.draw(due.pixels);
    const end = Math.max(now, this.frames.at(-1)?.moment ?? now);
    if (!this.asked && end - now < Math.max(STRETCH / 2, 2 * this.took)) this.ask(end, codeAt);
  }

  /**
   * @param {number} start
   * @param {(seconds: number) => Numbers} codeAt
   */
  ask(start, codeAt) {
    const count = Math.max(2, Math.min(this.decoder.limit, Math.round(STRETCH / this.step)));
    const moments = Array.from({ length: count }, (_, i) => start + (i + 1) * this.step);
    const codes = moments.map((moment) => Float64Array.from(codeAt(moment)));
    const current = {};
    this.asked = current;
    this.decoder.ask(this.slot, codes, (pixels, i, asked) => {
      if (this.asked !== current) return;
      this.frames.push({ moment: moments[i], pixels: pixels.slice() });
      if (i === count - 1 && asked !== undefined) this.finish(count, asked);
    });
  }

  /**
   * Asks a decoder that cannot keep up for fewer frames from now on.
   *
   * @param {number} count
   * @param {number} asked
   */
  finish(count, asked) {
    this.asked = undefined;
    this.took = (performance.now() - asked) / 1000;
    this.step = Math.max(FRAME, (1.5 * this.took) / count);
    this.answered(asked);
  }

  stop() {
    this.asked = undefined;
    this.frames = [];
  }
}
