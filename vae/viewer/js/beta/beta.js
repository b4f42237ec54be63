// One model of many betas under a slider: its images, its dimensions, its rate and its codes.

import { openDecoder, whenAsset } from "../transport/asset_registry.js";
import { element } from "../ui/elements.js";
import { Frame } from "../ui/frame.js";
import { mountInstrument, place } from "../ui/instrument.js";
import { onPixelRatio, onResize } from "../ui/layout.js";
import { ServerValue } from "../ui/server_value.js";
import { Stopwatch } from "../ui/stopwatch.js";
import { themeOf } from "../ui/theme.js";
import { BetaImages } from "./beta_images.js";
import { BetaSlider } from "./beta_slider.js";
import { CodeCloud } from "./code_cloud.js";
import { RateBars } from "./rate_bars.js";
import { RateCurve } from "./rate_curve.js";
import { RatePlot } from "./rate_plot.js";
import { TraversalTiles } from "./traversal_tiles.js";

/** @import { BetaData, CurveBlob, DecoderBlob } from "../specs.d.ts" */
/** @import { Decoder } from "../engine/decoder.js" */
/** @import { Emit } from "../ui/instrument.js" */

const STACKED = 720;
const LARGEST = 480;
const COLUMN_SPACE = 20;
const SHARES = { images: 0.29, rates: 0.44, plots: 0.27 };
const TALLEST = 1.55;
const FEW_ROWS = 4;
/** Height of the cloud's caption under few rows. */
const CLOUD_CAPTION = 36;
const TOO_LARGE = "This model's decoder is too large to follow β in the browser.";

/** @typedef {"distortion" | "rate" | "objective" | "elbo" | "active"} FigureName */

/** The numbers of this beta. */
class Figures {
  constructor() {
    this.root = element("div", { class: "figures" });
    this.outputs = {
      distortion: this.add("distortion", "distortion", "nats per test image, less is sharper"),
      rate: this.add("rate", "rate", "nats per test image, the sum of all KL"),
      objective: this.add("objective", "D + βR", "what training makes small at this beta"),
      elbo: this.add("elbo", "ELBO", "−(D + R), whatever beta is"),
      active: this.add("active", "active", "dimensions that carry something"),
    };
  }

  /**
   * @param {FigureName} name
   * @param {string} text
   * @param {string} title
   */
  add(name, text, title) {
    const output = element("output", { "data-testid": `live-${name}` });
    this.root.append(element("span", { title }, element("span", { class: "quiet", text }), output));
    return output;
  }

  /**
   * @param {RateCurve} curve
   * @param {number} beta
   */
  show(curve, beta) {
    const [distortion, rate] = [curve.distortionNow, curve.rateNow];
    this.write("distortion", nats(distortion));
    this.write("rate", nats(rate));
    this.write("objective", nats(distortion + beta * rate));
    this.write("elbo", nats(-distortion - rate));
    this.write("active", `${curve.activeCount} of ${curve.latent}`);
  }

  /**
   * @param {FigureName} name
   * @param {string} text
   */
  write(name, text) {
    if (this.outputs[name].textContent !== text) this.outputs[name].textContent = text;
  }
}

/** @param {number} x */
const nats = (x) => x.toFixed(1).replace("-", "−");

class LiveBeta {
  /**
   * @param {ParentNode} root
   * @param {BetaData} data
   * @param {Emit} emit
   * @param {LiveBeta} [before]
   */
  constructor(root, { spec, value }, emit, before) {
    this.spec = spec;
    this.emit = emit;
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.serverValue = before?.serverValue ?? new ServerValue();
    this.frame = new Frame(() => this.paint());
    const isNew = this.serverValue.changed(value);
    const kept = isNew ? undefined : before?.slider.beta;
    const acts = { moved: () => this.frame.stayAwake(), released: () => this.release() };
    /** @type {BetaSlider} */
    this.slider = new BetaSlider(spec.trained, kept ?? value?.[0] ?? 1, signal, acts);
    this.figures = new Figures();
    this.images = new BetaImages(spec.images);
    this.bars = new RateBars();
    this.plot = new RatePlot(spec.trained);
    this.cloud = new CodeCloud(spec.labels, spec.colors);
    this.time = element("span", { class: "quiet time" });
    this.stopwatch = new Stopwatch(this.time);
    this.figures.root.append(this.time);
    this.middle = element("div", { class: "column" }, this.bars.root);
    this.right = element("div", { class: "column" }, this.plot.root, this.cloud.root);
    this.body = element("div", { class: "body" }, this.images.root, this.middle, this.right);
    const parts = [this.slider.root, this.figures.root, this.body];
    this.root = element("div", { class: "live beta" }, ...parts);
    /** @type {RateCurve | undefined} */
    this.curve = undefined;
    /** @type {Decoder | undefined} */
    this.decoder = undefined;
    /** @type {TraversalTiles | undefined} */
    this.tiles = undefined;
    this.traversed = new Float64Array(0);
    this.isTooLarge = false;
    /** @type {number | undefined} The beta of the painted tiles. */
    this.painted = undefined;
    place(root, this.root);
    this.awaitAssets();
    onResize(this.root, signal, () => this.resize());
    onPixelRatio(signal, () => this.resize());
  }

  awaitAssets() {
    const { signal } = this.ending;
    /** @param {CurveBlob} blob */
    const adoptCurve = (blob) => {
      const curve = new RateCurve(blob);
      this.curve = curve;
      this.slider.adopt(curve.low, curve.high);
      this.plot.adopt(curve);
      this.cloud.adopt(curve);
      this.bars.adopt(curve, (dimension, value) => this.codeAt(dimension, value));
      if (this.hasFewRows) this.middle.append(this.cloud.root);
      this.begin();
    };
    /** @param {DecoderBlob} blob */
    const adoptDecoder = (blob) => {
      const decoder = openDecoder(blob);
      if (decoder.isServed) return this.apologise();
      this.decoder = decoder;
      this.begin();
    };
    whenAsset(this.spec.curve, signal, adoptCurve);
    whenAsset(this.spec.decoder, signal, adoptDecoder);
  }

  /** Whether the traversals leave room for the codes below them. */
  get hasFewRows() {
    return this.curve !== undefined && this.curve.latent <= FEW_ROWS;
  }

  /** Begins the parts that need both the curve and the decoder. */
  begin() {
    const { curve, decoder, images, bars } = this;
    if (this.isTooLarge) return;
    if (curve && decoder) {
      const { signal } = this.ending;
      this.stopwatch.follow(decoder);
      images.adopt(decoder, curve, signal, () => this.markStale());
      this.traversed = new Float64Array(decoder.latent);
      this.tiles = new TraversalTiles(decoder, [...bars.tiles, ...images.tiles], signal);
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
    /** @param {number} share */
    const widthOf = (share) => Math.floor(isStacked ? wide : (wide - 2 * COLUMN_SPACE) * share);
    const widths = Object.values(SHARES).map(widthOf);
    const columns = widths.map((width) => `${width}px`).join(" ");
    this.body.style.gridTemplateColumns = isStacked ? "" : columns;
    this.images.fit(Math.min(widths[0], LARGEST));
    this.bars.fit(widths[1], this.decoder?.shape ?? [1, 28, 28]);
    this.fitPlots(Math.min(widths[1], LARGEST), Math.min(widths[2], LARGEST));
    this.markStale();
  }

  /** The tiles must be painted again, even for the same beta. */
  markStale() {
    this.painted = undefined;
    this.frame.request();
  }

  /**
   * @param {number} middle
   * @param {number} right
   */
  fitPlots(middle, right) {
    const isFew = this.hasFewRows;
    this.plot.fit(right, Math.round((isFew ? 1.2 : 0.9) * right));
    this.cloud.fit(Math.round(isFew ? this.cloudBelow(middle) : 0.8 * right));
  }

  /**
   * Returns the side of the cloud under the bars, which then end where the images do.
   *
   * @param {number} width
   */
  cloudBelow(width) {
    const left = this.images.root.offsetHeight - this.bars.root.offsetHeight - CLOUD_CAPTION;
    return Math.max(0.5 * width, Math.min(0.8 * width, left));
  }

  /** @param {BetaData} data */
  receive({ value }) {
    if (this.serverValue.changed(value)) {
      this.slider.pause();
      this.slider.beta = value[0];
      this.slider.show();
    }
    this.frame.request();
  }

  release() {
    this.emit("beta", this.serverValue.emit([this.slider.beta])[0]);
    this.frame.request();
  }

  /**
   * Returns the image's code with one dimension set.
   *
   * @param {number} dimension
   * @param {number} value
   */
  codeAt(dimension, value) {
    this.traversed.set(this.images.code);
    this.traversed[dimension] = value;
    return this.traversed;
  }

  paint() {
    const { curve, slider, tiles, decoder } = this;
    if (!curve || this.isTooLarge) return;
    const start = performance.now();
    const { beta } = slider;
    const theme = themeOf(this.root);
    curve.moveTo(beta);
    if (tiles && decoder) this.paintPicture(decoder, curve, beta);
    this.figures.show(curve, beta);
    this.plot.show(curve, beta, theme);
    this.cloud.show(curve, theme);
    if (!tiles) return;
    const spent = performance.now() - start;
    if (beta !== this.painted) tiles.refresh(spent);
    this.painted = beta;
    this.stopwatch.addFrame(spent);
  }

  /**
   * @param {Decoder} decoder
   * @param {RateCurve} curve
   * @param {number} beta
   */
  paintPicture(decoder, curve, beta) {
    const { images, bars } = this;
    decoder.setBeta(beta);
    const code = images.writeCode(curve);
    images.picture.draw(decoder.decode(code));
    bars.show(curve, code);
  }

  destroy() {
    this.ending.abort();
    this.slider.stop();
    this.tiles?.stop();
    this.frame.cancel();
    this.root.remove();
  }
}

/**
 * Mounts the instrument of beta.
 *
 * It emits `beta` (a number).
 *
 * @param {ParentNode} root
 * @param {BetaData} data
 * @param {Emit} emit
 */
export const mountBeta = (root, data, emit) => mountInstrument(LiveBeta, root, data, emit);
