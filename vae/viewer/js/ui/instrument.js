// What every instrument needs: mounting under Streamlit, elements, frames, Python's own changes.

/**
 * Streamlit's entry point for what `create(parent, data, send, before)` builds. Streamlit calls it
 * again on every change of data or theme: what `signature(data)` tells apart is built anew, with
 * the instance `before` it, anything else goes to the instance's `receive(data)`.
 */
export function mountable(signature, create) {
  const mounted = new WeakMap();
  return ({ data, parentElement, setStateValue }) => {
    const wanted = signature(data);
    let held = mounted.get(parentElement);
    if (held?.signature !== wanted) {
      held?.instance.destroy();
      const next = { signature: wanted };
      const send = (...message) => next.send(...message);
      next.instance = create(parentElement, data, send, held?.instance);
      mounted.set(parentElement, next);
      held = next;
    }
    held.send = (...message) => inTurn(() => setStateValue(...message));
    held.instance.receive(data);
    // Streamlit also runs the clean-up of a call that a newer one has overtaken.
    const call = (held.call = {});
    return () => {
      if (held.call !== call || mounted.get(parentElement) !== held) return;
      held.instance.destroy();
      mounted.delete(parentElement);
    };
  };
}

/**
 * Streamlit gathers all values that are set within one task and reruns a single fragment for them,
 * so each of ours has a task of its own.
 */
export function inTurn(act) {
  const queue = (globalThis.latentTurns ??= []);
  if (queue.push(act) === 1) takeTurn(queue);
}

function takeTurn(queue) {
  try {
    queue[0]();
  } finally {
    setTimeout(() => {
      queue.shift();
      if (queue.length > 0) takeTurn(queue);
    });
  }
}

/** Take an empty element out of the page, where it would leave a gap; returns its box. */
export function hideElement(parent) {
  const box = parent.host?.closest('[data-testid="stElementContainer"]');
  if (box) box.style.display = "none";
  return box;
}

/** An element with attributes (`text` becomes its text) and children. */
export function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function button(text, signal, press, attributes = {}) {
  const made = element("button", { type: "button", text, ...attributes });
  made.addEventListener("click", press, { signal });
  return made;
}

const AWAKE = 120;

/** Work done at most once a frame, with the newest state. */
export class Frame {
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

  /** While a hand moves, every frame is painted, also those for which its input comes too late. */
  stayAwake() {
    this.awakeUntil = performance.now() + AWAKE;
    this.request();
  }

  cancel() {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
  }
}

/** Tells what Python decided from what it merely repeats of our own reports, perhaps late. */
export class Inbox {
  constructor() {
    this.reported = [];
  }

  isNews(value) {
    if (!value) return false;
    const key = keyOf(value);
    if (key === this.last) return false;
    this.last = key;
    const echo = this.reported.indexOf(key);
    this.reported.splice(0, echo + 1);
    return echo < 0;
  }

  /** Note a report about to be sent; returns it rounded, so that its echo is recognised. */
  report(value) {
    const rounded = Array.from(value, (x) => Math.round(x * 1e4) / 1e4);
    this.reported = [...this.reported.slice(-9), keyOf(rounded)];
    return rounded;
  }
}

const keyOf = (value) => Array.from(value, (x) => (x + 0).toFixed(4)).join();

export const signed = (x) => (x <= -0.005 ? "−" : "+") + Math.abs(x).toFixed(2);

export function normOf(z) {
  let sum = 0;
  for (let i = 0; i < z.length; i++) sum += z[i] * z[i];
  return Math.sqrt(sum);
}

/** Where pictures are decoded and the mean milliseconds of the last ones, four times a second. */
export class Stopwatch {
  constructor(output) {
    this.output = output;
    this.times = new Float64Array(16);
    this.count = 0;
    this.shown = 0;
    // A space keeps the line's height until a decoder is there.
    output.textContent = "\u00a0";
  }

  /** Say how this decoder runs; of several, one on the server is what one waits for. */
  follow({ place, reason, isServed }) {
    if (this.isServed) return;
    Object.assign(this, { place, isServed, digits: isServed ? 0 : 1 });
    this.output.textContent = place;
    this.output.title = reason;
  }

  /** A frame painted within this page. */
  addHere(milliseconds) {
    if (!this.isServed) this.add(milliseconds);
  }

  /** A picture painted that the server was asked for at some time; within this page it has none. */
  answered(asked) {
    if (asked !== undefined) this.add(performance.now() - asked);
  }

  add(milliseconds) {
    this.times[this.count++ % this.times.length] = milliseconds;
    const now = performance.now();
    if (this.count < this.times.length / 2 || now - this.shown < 250) return;
    this.shown = now;
    const filled = Math.min(this.count, this.times.length);
    const mean = this.times.reduce((sum, time) => sum + time, 0) / filled;
    this.output.textContent = `${this.place} · ${mean.toFixed(this.digits)} ms`;
  }
}

/** |z| on a scale, with the band where draws from the prior lie: √latent ± 2 standard deviations. */
export class NormMeter {
  constructor(latent) {
    this.full = 2 * Math.sqrt(latent) + 1;
    const typical = Math.sqrt(latent);
    this.number = element("output", { class: "number" });
    this.mark = element("i", { class: "mark" });
    const band = element("i", { class: "band" });
    band.style.left = this.percent(typical - Math.SQRT2);
    band.style.right = `calc(100% - ${this.percent(typical + Math.SQRT2)})`;
    this.root = element(
      "div",
      { class: "norm", title: "The band is where nearly all draws from the prior lie." },
      element("span", { text: "|z|" }),
      this.number,
      element("div", { class: "scale", "aria-hidden": "true" }, band, this.mark),
      element("span", { class: "quiet", text: `typical ${typical.toFixed(2)}` }),
    );
  }

  percent(norm) {
    return `${(100 * Math.max(0, Math.min(1, norm / this.full))).toFixed(2)}%`;
  }

  show(z) {
    const norm = normOf(z);
    this.number.textContent = norm.toFixed(2);
    this.mark.style.left = this.percent(norm);
  }
}
