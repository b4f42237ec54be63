// All codes on a plane, which shrink towards the prior's mean as beta grows.

import { dotStyle, splat } from "../map/codes.js";
import { View } from "../map/view.js";
import { contextOf, element } from "../ui/elements.js";
import { rgbOf } from "../ui/theme.js";
import { alignText, strokePath } from "./strokes.js";

/** @import { Dots } from "../map/codes.js" */
/** @import { Rgb, Theme } from "../ui/theme.js" */
/** @import { RateCurve } from "./rate_curve.js" */

const LEAST_DOT = 0.9;
const FULL_SIDE = 400;
const AXES = ["across", "up"];
const PRIOR_RADII = [1, 2];
const SAMPLE = 40_000;
const LONGEST_BESIDE = 2;
const OTHER_TEXT = "#888888";

export class CodeCloud {
  /**
   * @param {[string, string]} labels
   * @param {string[]} colors
   */
  constructor(labels, colors) {
    this.colors = colors;
    const axes = labels.map((name, i) => `${name} ${AXES[i]}`).join(", ");
    const label = `the codes of test images, ${axes}`;
    const testid = { "data-testid": "live-cloud", "data-draws": "0" };
    this.canvas = element("canvas", { role: "img", "aria-label": label, ...testid });
    this.context = contextOf(this.canvas);
    this.base = element("canvas");
    this.classes = element("div", { class: "classes" });
    const text = `${axes}; circles: prior at 1 and 2`;
    const caption = element("figcaption", { text, title: text });
    this.root = element("figure", { class: "cloud" }, this.canvas, this.classes, caption);
    this.draws = 0;
    this.side = 0;
    this.home = { x: 0, y: 0, span: 1 };
    this.view = new View(0, this.home);
    this.dot = { radius: LEAST_DOT, opacity: 1 };
    /** @type {Rgb[]} */
    this.palette = [];
    this.image = new ImageData(1, 1);
    this.empty = new Uint32Array(1);
    /** @type {string | undefined} Colours of the drawn base. */
    this.drawn = undefined;
    /** @type {Dots} */
    this.codes = {
      x: new Float32Array(0),
      y: new Float32Array(0),
      count: 0,
      isHidden: () => false,
      classOf: () => 0,
    };
  }

  /** @param {RateCurve} curve */
  adopt(curve) {
    const { count, labels } = curve;
    const colours = this.colors.length;
    this.codes = {
      x: new Float32Array(count),
      y: new Float32Array(count),
      count,
      isHidden: () => false,
      // The last colour is that of no class.
      classOf: (i) => (labels[i] < 0 ? colours : labels[i] % colours),
    };
    this.home = { x: 0, y: 0, span: 2.1 * Math.max(2.1, reachOf(curve.points)) };
    this.showClasses(curve);
    this.drawn = undefined;
  }

  /** @param {RateCurve} curve */
  showClasses({ labels, classNames }) {
    const highest = labels.reduce((most, label) => Math.max(most, label), -1);
    const chips = Array.from({ length: highest + 1 }, (_, i) => {
      const name = classNames[i] ?? String(i);
      const dot = element("i");
      dot.style.background = this.colors[i % this.colors.length];
      return element("span", { title: name }, dot, element("span", { text: name }));
    });
    this.classes.replaceChildren(...chips);
    // Beside the cloud there is room for digits, but for no words.
    const longest = Math.max(...chips.map(({ title }) => title.length), 0);
    this.root.classList.toggle("named", longest > LONGEST_BESIDE);
  }

  /** @param {number} side */
  fit(side) {
    this.side = side;
    this.canvas.style.width = this.canvas.style.height = `${side}px`;
    const pixels = Math.round(side * devicePixelRatio);
    for (const canvas of [this.canvas, this.base]) canvas.width = canvas.height = pixels;
    this.image = new ImageData(pixels, pixels);
    this.drawn = undefined;
  }

  /**
   * Draws the ground under the codes, once for a theme.
   *
   * @param {Theme} theme
   */
  drawBase(theme) {
    this.view = new View(this.side, this.home);
    const { radius } = dotStyle(this.codes.count, 1);
    this.dot = {
      radius: Math.max(LEAST_DOT, (radius * this.side) / FULL_SIDE),
      opacity: Math.min(0.85, 2500 / this.codes.count + 0.3),
    };
    const text = theme.text.startsWith("#") ? theme.text : OTHER_TEXT;
    this.palette = [...this.colors.map(rgbOf), rgbOf(text)];
    const context = contextOf(this.base);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, this.side, this.side);
    context.strokeStyle = theme.border;
    context.strokeRect(0.5, 0.5, this.side - 1, this.side - 1);
    const image = context.getImageData(0, 0, this.base.width, this.base.height);
    this.empty = new Uint32Array(image.data.buffer);
  }

  /**
   * Draws circles that hold 39 and 86 percent of the prior.
   *
   * @param {Theme} theme
   */
  drawPrior(theme) {
    const { context } = this;
    const middle = this.side / 2;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.font = `11px ${theme.font}`;
    alignText(context, "middle", "center");
    for (const radius of PRIOR_RADII) {
      const reach = radius * this.view.scale;
      context.beginPath();
      context.arc(middle, middle, reach, 0, 2 * Math.PI);
      strokePath(context, theme.text, 1, [3, 3]);
      context.lineWidth = 3;
      context.strokeStyle = theme.background;
      context.strokeText(String(radius), middle, middle - reach);
      context.fillStyle = theme.text;
      context.fillText(String(radius), middle, middle - reach);
    }
  }

  /**
   * @param {RateCurve} curve
   * @param {Theme} theme
   */
  show(curve, theme) {
    const key = theme.background + theme.text;
    if (key !== this.drawn) this.drawBase(theme);
    this.drawn = key;
    const { codes, image, view, palette } = this;
    curve.writePoints(codes.x, codes.y);
    new Uint32Array(image.data.buffer).set(this.empty);
    splat(image, codes, view, palette, this.dot);
    this.context.putImageData(image, 0, 0);
    this.drawPrior(theme);
    this.canvas.dataset.draws = String(++this.draws);
  }
}

/**
 * Returns how far from (0, 0) nearly all codes lie, over all betas.
 *
 * @param {Float32Array} points
 */
function reachOf(points) {
  // An odd step meets both coordinates.
  const step = Math.floor(points.length / SAMPLE) | 1;
  const sizes = [];
  for (let i = 0; i < points.length; i += step) sizes.push(Math.abs(points[i]));
  return Float32Array.from(sizes).sort()[Math.floor(0.998 * (sizes.length - 1))] ?? 0;
}
