// Pictures of a motion that no hand makes: its way is known, so the server is asked ahead of time,
// about once a second, and not for every frame.

const FRAME = 1 / 30;
const STRETCH = 0.8;

export class Reel {
  constructor(decoder, signal, { draw, answered }) {
    Object.assign(this, { decoder, draw, answered, slot: { signal } });
    this.step = FRAME;
    this.took = 0;
    this.stop();
  }

  /** Show the motion at `now` seconds; `codeAt(seconds)` is its code, overwritten by the next. */
  show(now, codeAt) {
    let due;
    while (this.frames[0]?.moment <= now) due = this.frames.shift();
    if (due) this.draw(due.pixels);
    const end = Math.max(now, this.frames.at(-1)?.moment ?? now);
    if (!this.asked && end - now < Math.max(STRETCH / 2, 2 * this.took)) this.ask(end, codeAt);
  }

  ask(start, codeAt) {
    const count = Math.max(2, Math.min(this.decoder.limit, Math.round(STRETCH / this.step)));
    const moments = Array.from({ length: count }, (_, i) => start + (i + 1) * this.step);
    const codes = moments.map((moment) => Float64Array.from(codeAt(moment)));
    const current = (this.asked = {});
    this.decoder.ask(this.slot, codes, (pixels, i, asked) => {
      if (this.asked !== current) return;
      this.frames.push({ moment: moments[i], pixels: pixels.slice() });
      if (i === count - 1) this.arrived(count, asked);
    });
  }

  /** A decoder that cannot keep up is asked for fewer pictures. */
  arrived(count, asked) {
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
