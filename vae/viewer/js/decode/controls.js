// What moves a live decode: sliders, a path, or a walk that needs no one.

const KEY_PAUSE = 250;
const LEAVING_PAUSE = 800;

/** A range input whose track is filled from `origin` to its value. */
class Range {
  constructor(low, high, origin, attributes) {
    Object.assign(this, { low, high, origin });
    this.input = element("input", { type: "range", min: low, max: high, step: 0.01, ...attributes });
  }

  show(value, words) {
    const [from, to] = [this.fraction(this.origin), this.fraction(value)];
    this.input.value = value;
    this.input.setAttribute("aria-valuetext", words);
    this.input.style.setProperty("--from", Math.min(from, to));
    this.input.style.setProperty("--to", Math.max(from, to));
  }

  fraction(value) {
    return Math.max(0, Math.min(1, (value - this.low) / (this.high - this.low)));
  }
}

/** Call `act` when the hand lets go: at once with a pointer, after a pause with the keys. */
function onRelease(input, signal, act) {
  let timer;
  let isTyping = false;
  const on = (type, listen) => input.addEventListener(type, listen, { signal });
  const tell = () => {
    clearTimeout(timer);
    timer = undefined;
    act();
  };
  const wait = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(tell, pause);
  };
  on("keydown", () => (isTyping = true));
  on("pointerdown", () => (isTyping = false));
  on("change", () => {
    if (!isTyping) return tell();
    wait(KEY_PAUSE);
  });
  // It may be a page link that was pressed: a message now would bring the old page back.
  on("blur", () => timer && wait(LEAVING_PAUSE));
  signal.addEventListener("abort", () => clearTimeout(timer));
}

/** One slider a latent dimension; `value` is the code. */
export class Sliders {
  constructor({ dimensions }, value, signal, { moved, released }) {
    this.value = value;
    this.signal = signal;
    this.moved = moved;
    this.released = released;
    const highest = Math.max(...dimensions.map(({ kl }) => kl), 1e-9);
    this.rows = dimensions.map((dimension) => this.row(dimension, highest));
    this.buttons = this.makeButtons();
    this.root = element("div", { class: "sliders" }, this.buttons, this.list(dimensions));
    this.show();
  }

  makeButtons() {
    return element(
      "div",
      { class: "buttons" },
      button("Reset", this.signal, () => this.replace(() => 0)),
      button("Random", this.signal, () => this.replace(standardNormal)),
      element("span", { class: "quiet", text: "bar: KL in nats · double-click resets one" }),
    );
  }

  list(dimensions) {
    const pick = (wanted) => this.rows.filter((_, i) => Boolean(dimensions[i].active) === wanted);
    const [active, inactive] = [pick(true), pick(false)].map((rows) => rows.map(({ root }) => root));
    const list = element("div", {}, element("div", { class: "rows" }, ...active));
    if (inactive.length === 0) return list;
    const name = `${inactive.length} inactive dimension${inactive.length > 1 ? "s" : ""}`;
    const rows = element("div", { class: "rows inactive" }, ...inactive);
    list.append(element("details", {}, element("summary", { text: name }), rows));
    return list;
  }

  row({ index, label, low, high, kl }, highest) {
    const testid = { "data-testid": `live-slider-${index}` };
    const range = new Range(low, high, 0, { "aria-label": label, ...testid });
    const number = element("output", { class: "number" });
    const bar = element("i", { class: "kl", title: `KL ${kl.toFixed(2)} nats` }, element("b"));
    bar.firstChild.style.width = `${(100 * Math.max(0, kl)) / highest}%`;
    this.listen(range.input, index);
    const name = element("span", { class: "name", text: label });
    const root = element("label", { class: "row" }, name, bar, range.input, number);
    return { root, range, number, index };
  }

  listen(input, index) {
    const { signal } = this;
    input.addEventListener("input", () => this.set(index, Number(input.value)), { signal });
    onRelease(input, signal, () => this.released());
    const reset = () => {
      this.set(index, 0);
      this.released();
    };
    input.addEventListener("dblclick", reset, { signal });
  }

  set(index, value) {
    this.value[index] = value;
    this.show();
    this.moved();
  }

  replace(draw) {
    this.value.forEach((_, i) => (this.value[i] = draw()));
    this.show();
    this.moved();
    this.released();
  }

  show() {
    for (const { range, number, index } of this.rows) {
      const text = signed(this.value[index]);
      if (number.textContent === text) continue;
      number.textContent = text;
      range.show(this.value[index], text);
    }
  }

  writeCode(code) {
    code.set(this.value);
  }

  stop() {}
}

function standardNormal() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  return radius * Math.cos(2 * Math.PI * Math.random());
}

/** The point at t in [0, 1] of the line through `points`, at equal time from each to the next. */
function writePoint(points, t, code) {
  const place = t * (points.length - 1);
  const i = Math.min(Math.floor(place), points.length - 2);
  const [from, to] = [points[Math.max(0, i)], points[i + 1]];
  for (let d = 0; d < code.length; d++) code[d] = from[d] + (place - i) * (to[d] - from[d]);
}

/** Calls `step(seconds)` every frame while it runs; a hidden tab takes no step. */
class Clock {
  constructor(step) {
    this.seconds = 0;
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

/** One wide slider along a path; `value` is [t], from the path's beginning `span[0]` to its end. */
export class Path {
  constructor({ points, captions, seconds, span = [0, 1] }, value, signal, { moved, released }) {
    Object.assign(this, { points, value, seconds, span, moved, released });
    const [low, high] = span;
    this.direction = 1;
    this.clock = new Clock((elapsed) => this.advance(elapsed));
    const names = { "aria-label": "position on the path", "data-testid": "live-path" };
    this.range = new Range(low, high, Math.max(low, 0), names);
    this.range.input.step = (high - low) / 1000;
    this.number = element("output", { class: "number" });
    this.play = button("Play", signal, () => this.toggle(), { "data-testid": "live-play" });
    this.listen(signal);
    const labels = captions.map((caption, i) => pathLabel(caption, i / Math.max(1, captions.length - 1)));
    const track = element("div", { class: "track" }, this.range.input, ...labels);
    this.root = element("div", { class: "play-bar" }, this.play, track, this.number);
    this.show();
  }

  listen(signal) {
    const { input } = this.range;
    const grab = () => {
      this.pause();
      this.set(Number(input.value));
    };
    input.addEventListener("input", grab, { signal });
    onRelease(input, signal, () => this.released());
  }

  set(t) {
    this.value[0] = t;
    this.show();
    this.moved();
  }

  /** How much of the path lies behind, 0 to 1. */
  get share() {
    return this.range.fraction(this.value[0]);
  }

  show() {
    const text = this.span[0] < 0 ? signed(this.value[0]) : this.value[0].toFixed(2);
    this.number.textContent = text;
    this.range.show(this.value[0], text);
  }

  toggle() {
    if (this.clock.running) {
      this.pause();
      this.released();
      return;
    }
    this.play.textContent = "Pause";
    this.clock.start();
  }

  pause() {
    this.clock.stop();
    this.play.textContent = "Play";
  }

  /** To and fro, because a jump from the end to the start would look like a step of the path. */
  advance(elapsed) {
    const [low, high] = this.span;
    const share = this.share + (this.direction * elapsed) / this.seconds;
    if (share >= 1) this.direction = -1;
    if (share <= 0) this.direction = 1;
    this.set(low + Math.max(0, Math.min(1, share)) * (high - low));
  }

  writeCode(code) {
    writePoint(this.points, this.share, code);
  }

  /** The code at another moment of the clock, if playing goes on. */
  writeMoment(seconds, code) {
    const t = this.share + (this.direction * (seconds - this.clock.seconds)) / this.seconds;
    const folded = Math.abs(t % 2);
    writePoint(this.points, folded > 1 ? 2 - folded : folded, code);
  }

  stop() {
    this.clock.stop();
  }
}

function pathLabel(text, fraction) {
  const label = element("span", { class: "quiet stop", text });
  label.style.setProperty("--at", fraction);
  return label;
}

/** Goes from point to point for ever; stands still for those who asked for less motion. */
export class Walk {
  constructor({ points, seconds }, signal, { moved }) {
    this.loop = [...points, points[0]];
    this.value = [0];
    this.seconds = seconds;
    this.clock = new Clock((elapsed) => {
      this.value[0] = (this.value[0] + elapsed / seconds) % points.length;
      moved();
    });
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const follow = () => (calm.matches ? this.clock.stop() : this.clock.start());
    calm.addEventListener("change", follow, { signal });
    follow();
  }

  /** A click anywhere on the pictures stops it and lets it go on. */
  toggle() {
    if (this.clock.running) this.clock.stop();
    else this.clock.start();
  }

  show() {}

  writeCode(code) {
    this.writePlace(this.value[0], code);
  }

  /** The code at another moment of the clock, if the walk goes on. */
  writeMoment(seconds, code) {
    const place = this.value[0] + (seconds - this.clock.seconds) / this.seconds;
    this.writePlace(place % (this.loop.length - 1), code);
  }

  writePlace(place, code) {
    const leg = Math.floor(place);
    const rest = place - leg;
    const eased = leg + rest * rest * (3 - 2 * rest);
    writePoint(this.loop, eased / (this.loop.length - 1), code);
  }

  stop() {
    this.clock.stop();
  }
}
