// Beta under the hand: one model of many betas, its picture, its dimensions, its rate and its codes.

const STACKED = 720;
const LARGEST = 480;
const COLUMN_GAP = 20;
const SHARES = { images: 0.29, rates: 0.44, plots: 0.27 };
const TALLEST = 1.55;
const FEW_ROWS = 4;
/** Of the cloud, with its caption, under few rows. */
const CLOUD_CAPTION = 36;
const TOO_LARGE = "This model's decoder is too large to follow β in the browser.";

/** The numbers of this beta, each in its place. */
class Figures {
  constructor() {
    this.outputs = {};
    this.root = element("div", { class: "figures" });
    this.add("distortion", "distortion", "nats per test image, less is sharper");
    this.add("rate", "rate", "nats per test image, the sum of all KL");
    this.add("objective", "D + βR", "what training makes small at this beta");
    this.add("elbo", "ELBO", "−(D + R), whatever beta is");
    this.add("active", "active", "dimensions that carry something");
  }

  add(name, text, title) {
    const output = element("output", { "data-testid": `live-${name}` });
    this.outputs[name] = output;
    this.root.append(element("span", { title }, element("span", { class: "quiet", text }), output));
  }

  show(curve, beta) {
    const [distortion, rate] = [curve.distortionNow, curve.rateNow];
    this.write("distortion", nats(distortion));
    this.write("rate", nats(rate));
    this.write("objective", nats(distortion + beta * rate));
    this.write("elbo", nats(-distortion - rate));
    this.write("active", `${curve.activeCount} of ${curve.latent}`);
  }

  write(name, text) {
    if (this.outputs[name].textContent !== text) this.outputs[name].textContent = text;
  }
}

const nats = (x) => x.toFixed(1).replace("-", "−");

class LiveBeta {
  constructor(parent, { spec, value }, send, before) {
    Object.assign(this, { spec, send });
    this.ending = new AbortController();
    this.inbox = before?.inbox ?? new Inbox();
    this.frame = new Frame(() => this.paint());
    const kept = before?.slider.beta;
    const start = this.inbox.isNews(value) ? value[0] : (kept ?? value?.[0] ?? 1);
    const act = { moved: () => this.frame.stayAwake(), released: () => this.release() };
    this.slider = new BetaSlider(spec.trained, start, this.ending.signal, act);
    this.figures = new Figures();
    this.images = new BetaImages(spec.images);
    this.bars = new RateBars();
    this.plot = new RatePlot(spec.trained);
    this.cloud = new Cloud(spec.labels, spec.colors);
    this.time = element("span", { class: "quiet time" });
    this.stopwatch = new Stopwatch(this.time);
    this.root = this.layout();
    parent.querySelector(".live")?.remove();
    parent.append(this.root);
    this.awaitAssets();
    onRoom(this.root, this.ending.signal, () => this.resize());
    onPixelRatio(this.ending.signal, () => this.resize());
  }

  layout() {
    this.figures.root.append(this.time);
    this.middle = element("div", { class: "column" }, this.bars.root);
    this.right = element("div", { class: "column" }, this.plot.root, this.cloud.root);
    this.body = element("div", { class: "body" }, this.images.root, this.middle, this.right);
    return element("div", { class: "live beta" }, this.slider.root, this.figures.root, this.body);
  }

  awaitAssets() {
    const { signal } = this.ending;
    whenAsset(this.spec.curve, signal, (blob) => {
      this.curve = new RateCurve(blob);
      this.slider.adopt(this.curve.low, this.curve.high);
      this.plot.adopt(this.curve);
      this.cloud.adopt(this.curve);
      this.bars.adopt(this.curve, (dimension, value) => this.codeAt(dimension, value));
      if (this.hasFewRows) this.middle.append(this.cloud.root);
      this.begin();
    });
    whenAsset(this.spec.decoder, signal, (blob) => {
      this.decoder = openDecoder(blob);
      this.begin();
    });
  }

  /** Whether the traversals leave room for the codes below them. */
  get hasFewRows() {
    return this.curve?.latent <= FEW_ROWS;
  }

  /** What needs both the curve and the decoder. */
  begin() {
    const { curve, decoder, images, bars } = this;
    if (decoder?.isServed) return this.apologise();
    if (curve && decoder) {
      this.stopwatch.follow(decoder);
      images.adopt(decoder, curve, this.ending.signal, () => this.stale());
      this.around = new Float64Array(decoder.latent);
      this.round = new TileRound(decoder, [...bars.tiles, ...images.tiles], this.ending.signal);
    }
    this.resize();
  }

  apologise() {
    this.root.replaceChildren(element("p", { text: TOO_LARGE }));
    this.isTooLarge = true;
  }

  resize() {
    const { root } = this;
    root.style.maxWidth = `${Math.max(960, Math.round(TALLEST * innerHeight))}px`;
    const wide = root.clientWidth;
    const isStacked = wide < STACKED;
    root.classList.toggle("stacked", isStacked);
    const widthOf = (share) => Math.floor(isStacked ? wide : (wide - 2 * COLUMN_GAP) * share);
    const widths = Object.values(SHARES).map(widthOf);
    this.body.style.gridTemplateColumns = isStacked ? "" : widths.map((width) => `${width}px`).join(" ");
    this.images.fit(Math.min(widths[0], LARGEST));
    this.bars.fit(widths[1], this.decoder?.shape ?? [1, 28, 28]);
    this.fitPlots(Math.min(widths[1], LARGEST), Math.min(widths[2], LARGEST));
    this.stale();
  }

  /** The tiles must be painted again, even for the same beta. */
  stale() {
    this.painted = undefined;
    this.frame.request();
  }

  fitPlots(middle, right) {
    const isFew = this.hasFewRows;
    this.plot.fit(right, Math.round((isFew ? 1.2 : 0.9) * right));
    this.cloud.fit(Math.round(isFew ? this.cloudBelow(middle) : 0.8 * right));
  }

  /** The side of the cloud under the bars, which then end where the images do. */
  cloudBelow(width) {
    const left = this.images.root.offsetHeight - this.bars.root.offsetHeight - CLOUD_CAPTION;
    return Math.max(0.5 * width, Math.min(0.8 * width, left));
  }

  receive({ value }) {
    if (this.inbox.isNews(value)) {
      this.slider.pause();
      this.slider.beta = value[0];
      this.slider.show();
    }
    this.frame.request();
  }

  release() {
    this.send("beta", this.inbox.report([this.slider.beta])[0]);
    this.frame.request();
  }

  /** The image's code with one dimension set. */
  codeAt(dimension, value) {
    this.around.set(this.images.code);
    this.around[dimension] = value;
    return this.around;
  }

  paint() {
    const { curve, slider, round } = this;
    if (!curve || this.isTooLarge) return;
    const start = performance.now();
    const { beta } = slider;
    const theme = themeOf(this.root);
    curve.moveTo(beta);
    if (round) this.paintPicture(beta);
    this.figures.show(curve, beta);
    this.plot.show(curve, beta, theme);
    this.cloud.show(curve, theme);
    const spent = performance.now() - start;
    if (round && beta !== this.painted) round.refresh(spent);
    this.painted = round && beta;
    if (round) this.stopwatch.addHere(spent);
  }

  paintPicture(beta) {
    const { decoder, images, bars, curve } = this;
    decoder.setBeta(beta);
    const code = images.writeCode(curve);
    images.picture.draw(decoder.decode(code));
    bars.show(curve, code);
  }

  destroy() {
    this.ending.abort();
    this.slider.stop();
    this.round?.stop();
    this.frame.cancel();
    this.root.remove();
  }
}

export default mountable(
  ({ spec }) => JSON.stringify(spec),
  (parent, data, send, before) => new LiveBeta(parent, data, send, before),
);
