// The slider of beta: a logarithmic scale with the betas of other models marked on it.

const STEPS = 960;
const SWEEP_SECONDS = 6;
const BETA_TICKS = [1, 2, 5];

export class BetaSlider {
  constructor(trained, beta, signal, { moved, released }) {
    Object.assign(this, { trained, beta, signal, moved, released, low: 0.1, high: 10 });
    this.direction = 1;
    this.clock = new Clock((elapsed) => this.advance(elapsed));
    const attributes = { "aria-label": "beta", "data-testid": "live-beta", disabled: "" };
    this.range = new Range(0, STEPS, 0, attributes);
    this.range.input.step = 1;
    this.number = element("output");
    this.play = button("Play", signal, () => this.toggle(), { "data-testid": "live-beta-play" });
    this.scale = element("div");
    this.root = this.layout();
    this.listen();
    this.show();
  }

  layout() {
    const readout = element("div", { class: "readout" }, "β = ", this.number);
    const track = element("div", { class: "track" }, this.range.input, this.scale);
    return element("div", { class: "beta-bar" }, readout, track, this.play);
  }

  listen() {
    const { input } = this.range;
    const grab = () => {
      this.pause();
      this.set(this.betaAt(Number(input.value)));
    };
    input.addEventListener("input", grab, { signal: this.signal });
    onRelease(input, this.signal, () => this.released());
  }

  /** Learn which betas the model serves. */
  adopt(low, high) {
    Object.assign(this, { low, high });
    this.range.input.disabled = false;
    this.range.origin = this.positionOf(1);
    const inside = ({ beta }) => beta >= low * 0.999 && beta <= high * 1.001;
    const betas = new Set(this.trained.filter(inside).map((model) => model.beta));
    const marks = [...betas].map((marked) => this.mark(marked));
    this.scale.replaceChildren(...betaTicks(low, high).map((beta) => this.tick(beta)), ...marks);
    this.show();
  }

  tick(beta) {
    return this.placed(element("span", { class: "quiet stop", text: String(beta) }), beta);
  }

  /** A beta for which a model was trained separately; a click goes there. */
  mark(beta) {
    const go = () => {
      this.pause();
      this.set(beta);
      this.released();
    };
    const title = `go to β = ${beta}, for which a model was trained separately`;
    const attributes = { class: "beta-mark", title, "aria-label": title, "data-beta": beta };
    return this.placed(button("", this.signal, go, attributes), beta);
  }

  placed(made, beta) {
    made.style.setProperty("--at", this.positionOf(beta) / STEPS);
    return made;
  }

  positionOf(beta) {
    const fraction = Math.log(beta / this.low) / Math.log(this.high / this.low);
    return STEPS * Math.max(0, Math.min(1, fraction));
  }

  betaAt(position) {
    return this.low * (this.high / this.low) ** (position / STEPS);
  }

  set(beta) {
    this.beta = beta;
    this.show();
    this.moved();
  }

  show() {
    this.beta = Math.max(this.low, Math.min(this.high, this.beta));
    const text = this.beta.toPrecision(3);
    this.number.textContent = text;
    this.range.show(this.positionOf(this.beta), text);
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

  /** Up and down, because a jump from one end to the other would look like a step of the model. */
  advance(elapsed) {
    const way = (this.direction * elapsed * STEPS) / SWEEP_SECONDS;
    const position = Math.max(0, Math.min(STEPS, this.positionOf(this.beta) + way));
    if (position === STEPS) this.direction = -1;
    if (position === 0) this.direction = 1;
    this.set(this.betaAt(position));
  }

  stop() {
    this.clock.stop();
  }
}

/** 1, 2 and 5 times powers of ten. */
function betaTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const first of BETA_TICKS) found.push(Number(`${first}e${power}`));
  }
  return found.filter((beta) => beta >= low * 0.999 && beta <= high * 1.001);
}
