// The rate–distortion curve with the point of this beta, and models trained for one beta each.

import { ticks } from "../map/view.js";
import { contextOf, element } from "../ui/elements.js";
import { alignText, strokePath } from "./strokes.js";

/** @import { TrainedModelSpec } from "../specs.d.ts" */
/** @import { Theme } from "../ui/theme.js" */
/** @import { RateCurve } from "./rate_curve.js" */

/** @typedef {{ left: number, right: number, top: number, foot: number }} Box In CSS pixels. */

const PLOT = { left: 50, right: 10, top: 10, bottom: 40 };
const LABEL_FONT = 11;
const LEGEND_LINE = 16;

export class RatePlot {
  /** @param {TrainedModelSpec[]} trained */
  constructor(trained) {
    this.trained = trained;
    const label = "rate–distortion curve; the numbers above say where beta is on it";
    const testid = { "data-testid": "live-rate-distortion" };
    this.canvas = element("canvas", { role: "img", "aria-label": label, ...testid });
    this.context = contextOf(this.canvas);
    this.base = element("canvas");
    this.root = element("figure", {}, this.canvas);
    this.width = 0;
    this.height = 0;
    /** Rates from left to right and distortions from low to high, in nats per test image. */
    this.domain = { left: 0, right: 1, low: 0, high: 1 };
    /** @type {string | undefined} Colours of the drawn base. */
    this.drawn = undefined;
  }

  /** @param {RateCurve} curve */
  adopt(curve) {
    const rates = [...curve.totals, ...this.trained.map(({ rate }) => rate)];
    const distortions = [...curve.distortion, ...this.trained.map(({ distortion }) => distortion)];
    const [low, high] = [Math.min(...distortions), Math.max(...distortions)];
    const pad = 0.07 * Math.max(high - low, 1e-3);
    const [least, most] = [Math.min(...rates), Math.max(...rates)];
    const margin = 0.07 * Math.max(most - least, 1e-3);
    const left = Math.max(0, least - margin);
    this.domain = { left, right: most + margin, low: low - pad, high: high + pad };
    this.drawn = undefined;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  fit(width, height) {
    this.width = width;
    this.height = height;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    for (const canvas of [this.canvas, this.base]) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
    }
    this.drawn = undefined;
  }

  get plotWidth() {
    return this.width - PLOT.left - PLOT.right;
  }

  get plotHeight() {
    return this.height - PLOT.top - PLOT.bottom;
  }

  /** @param {number} rate */
  toX(rate) {
    const { left, right } = this.domain;
    return PLOT.left + ((rate - left) / (right - left)) * this.plotWidth;
  }

  /** @param {number} distortion */
  toY(distortion) {
    const { low, high } = this.domain;
    return PLOT.top + ((high - distortion) / (high - low)) * this.plotHeight;
  }

  /**
   * @param {RateCurve} curve
   * @param {number} beta
   * @param {Theme} theme
   */
  show(curve, beta, theme) {
    const key = theme.background + theme.text;
    if (key !== this.drawn) this.drawBase(curve, theme);
    this.drawn = key;
    const [rate, distortion] = [curve.rateNow, curve.distortionNow];
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.base, 0, 0);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    this.drawTangent(rate, distortion, beta, theme);
    this.drawPoint(rate, distortion, theme);
    this.canvas.dataset.rate = rate.toFixed(4);
    this.canvas.dataset.distortion = distortion.toFixed(4);
  }

  /**
   * Draws the line of all points with the same D + beta R.
   *
   * @param {number} rate
   * @param {number} distortion
   * @param {number} beta
   * @param {Theme} theme
   */
  drawTangent(rate, distortion, beta, theme) {
    const { context } = this;
    const { left, right } = this.domain;
    context.save();
    this.clip();
    context.beginPath();
    context.moveTo(this.toX(left), this.toY(distortion + beta * (rate - left)));
    context.lineTo(this.toX(right), this.toY(distortion + beta * (rate - right)));
    strokePath(context, theme.primary, 1.25, [5, 4]);
    context.restore();
  }

  /**
   * @param {number} rate
   * @param {number} distortion
   * @param {Theme} theme
   */
  drawPoint(rate, distortion, theme) {
    const { context } = this;
    /** @type {[string, number][]} */
    const discs = [
      [theme.background, 7.5],
      [theme.primary, 5.5],
    ];
    for (const [colour, radius] of discs) {
      context.beginPath();
      context.arc(this.toX(rate), this.toY(distortion), radius, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
    }
  }

  clip() {
    const { context } = this;
    context.beginPath();
    context.rect(PLOT.left, PLOT.top, this.plotWidth, this.plotHeight);
    context.clip();
  }

  /**
   * Draws the parts that stay as they are, once for a theme.
   *
   * @param {RateCurve} curve
   * @param {Theme} theme
   */
  drawBase(curve, theme) {
    const context = contextOf(this.base);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, this.width, this.height);
    this.drawFrame(context, theme);
    const taken = [this.drawLegend(context, theme)];
    const covered = this.curveBoxes(curve);
    context.beginPath();
    curve.totals.forEach((rate, i) => {
      context.lineTo(this.toX(rate), this.toY(curve.distortion[i]));
    });
    context.lineJoin = "round";
    strokePath(context, theme.text, 2);
    for (const { rate, distortion } of this.trained) {
      drawDiamond(context, this.toX(rate), this.toY(distortion), theme);
    }
    // Models that differ in their seed alone share a caption.
    const captions = new Map(this.trained.map((model) => [model.caption, model]));
    for (const model of captions.values()) this.drawCaption(context, model, theme, taken, covered);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   */
  drawFrame(context, theme) {
    const { low, high, left, right } = this.domain;
    const [foot, middle] = [this.height - PLOT.bottom, PLOT.top + this.plotHeight / 2];
    context.strokeStyle = theme.border;
    context.lineWidth = 1;
    const { plotWidth, plotHeight } = this;
    context.strokeRect(PLOT.left + 0.5, PLOT.top + 0.5, plotWidth - 1, plotHeight - 1);
    context.font = `${LABEL_FONT}px ${theme.font}`;
    context.fillStyle = theme.quiet;
    alignText(context, "top", "center");
    for (const { value, text } of ticks(left, right)) {
      context.fillText(text, this.toX(value), foot + 5);
    }
    alignText(context, "middle", "right");
    for (const { value, text } of ticks(low, high)) {
      context.fillText(text, PLOT.left - 5, this.toY(value));
    }
    context.fillStyle = theme.text;
    alignText(context, "top", "center");
    context.fillText("rate (nats per test image)", PLOT.left + plotWidth / 2, foot + 22);
    context.save();
    context.translate(4, middle);
    context.rotate(-Math.PI / 2);
    context.fillText("distortion (nats per test image)", 0, 0);
    context.restore();
  }

  /**
   * Draws the legend in the upper right, which a falling convex curve never reaches. Returns its
   * box.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @returns {Box}
   */
  drawLegend(context, theme) {
    /** @type {[string, (x: number, y: number) => void][]} */
    const entries = [
      ["one network, any β", (x, y) => drawSwatch(context, x, y, theme.text, 2, [])],
    ];
    if (this.trained.length) {
      entries.push(["trained for one β", (x, y) => drawDiamond(context, x + 9, y, theme)]);
    }
    entries.push(["slope −β", (x, y) => drawSwatch(context, x, y, theme.primary, 1.25, [5, 4])]);
    const wide = Math.max(...entries.map(([text]) => context.measureText(text).width));
    const [left, top] = [this.width - PLOT.right - wide - 10, PLOT.top + 14];
    entries.forEach(([text, draw], i) => {
      const y = top + i * LEGEND_LINE;
      draw(left - 24, y);
      context.fillStyle = theme.quiet;
      alignText(context, "middle", "left");
      context.fillText(text, left, y);
    });
    const foot = top + entries.length * LEGEND_LINE - 6;
    return { left: left - 28, top: PLOT.top, right: this.width, foot };
  }

  /**
   * Draws a mark's caption where there is room, at best beside the curve, else over it.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {TrainedModelSpec} model
   * @param {Theme} theme
   * @param {Box[]} taken Boxes of other texts, to which this one is added.
   * @param {Box[]} covered
   */
  drawCaption(context, { rate, distortion, caption }, theme, taken, covered) {
    const [x, y] = [this.toX(rate), this.toY(distortion)];
    const wide = context.measureText(caption).width;
    const boxes = [
      boxAt(x + 8, y - 9, wide),
      boxAt(x - 8 - wide, y + 9, wide),
      boxAt(x + 10, y, wide),
      boxAt(x - 10 - wide, y, wide),
    ];
    const free = boxes.filter((box) => this.holds(box) && !meets(box, taken));
    const best = free.find((box) => !meets(box, covered)) ?? free[0];
    if (!best) return;
    taken.push(best);
    alignText(context, "middle", "left");
    const middle = (best.top + best.foot) / 2;
    context.strokeStyle = theme.background;
    context.lineWidth = 3;
    context.strokeText(caption, best.left, middle);
    context.fillStyle = theme.text;
    context.fillText(caption, best.left, middle);
  }

  /**
   * Returns boxes that the curve covers.
   *
   * @param {RateCurve} curve
   */
  curveBoxes(curve) {
    /** @type {Box[]} */
    const boxes = [];
    for (let i = 0; i < 8 * (curve.size - 1); i++) {
      const [row, weight] = [Math.floor(i / 8), (i % 8) / 8];
      /** @param {ArrayLike<number>} values */
      const between = (values) => values[row] + weight * (values[row + 1] - values[row]);
      const [x, y] = [this.toX(between(curve.totals)), this.toY(between(curve.distortion))];
      boxes.push({ left: x - 2, right: x + 2, top: y - 2, foot: y + 2 });
    }
    return boxes;
  }

  /** @param {Box} box */
  holds({ left, right, top, foot }) {
    const inside = left > PLOT.left && right < this.width - PLOT.right;
    return inside && top > PLOT.top && foot < this.height - PLOT.bottom;
  }
}

/**
 * @param {number} left
 * @param {number} middle
 * @param {number} wide
 * @returns {Box}
 */
const boxAt = (left, middle, wide) => ({
  left,
  right: left + wide,
  top: middle - 7,
  foot: middle + 7,
});

/** @type {(a: Box, b: Box) => boolean} */
const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.foot && b.top < a.foot;

/** @type {(box: Box, others: Box[]) => boolean} */
const meets = (box, others) => others.some((other) => overlap(box, other));

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {string} colour
 * @param {number} width
 * @param {number[]} dashes
 */
function drawSwatch(context, x, y, colour, width, dashes) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + 18, y);
  strokePath(context, colour, width, dashes);
}

/**
 * Draws an open mark.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {Theme} theme
 */
function drawDiamond(context, x, y, theme) {
  context.beginPath();
  context.moveTo(x, y - 5);
  context.lineTo(x + 5, y);
  context.lineTo(x, y + 5);
  context.lineTo(x - 5, y);
  context.closePath();
  context.fillStyle = theme.background;
  context.fill();
  strokePath(context, theme.text, 1.5);
}
