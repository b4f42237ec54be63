// The rate–distortion curve with the point of this beta, and models trained for one beta each.

const PLOT = { left: 50, right: 10, top: 10, bottom: 40 };
const LABEL_FONT = 11;
const LEGEND_LINE = 16;

export class RatePlot {
  constructor(trained) {
    this.trained = trained;
    const label = "rate–distortion curve; the numbers above say where beta is on it";
    const testid = { "data-testid": "live-rate-distortion" };
    this.canvas = element("canvas", { role: "img", "aria-label": label, ...testid });
    this.base = element("canvas");
    this.root = element("figure", {}, this.canvas);
  }

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

  fit(width, height) {
    Object.assign(this, { width, height });
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

  toX(rate) {
    const { left, right } = this.domain;
    return PLOT.left + ((rate - left) / (right - left)) * this.plotWidth;
  }

  toY(distortion) {
    const { low, high } = this.domain;
    return PLOT.top + ((high - distortion) / (high - low)) * this.plotHeight;
  }

  show(curve, beta, theme) {
    const key = theme.background + theme.text;
    if (key !== this.drawn) this.drawBase(curve, theme);
    this.drawn = key;
    const [rate, distortion] = [curve.rateNow, curve.distortionNow];
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.base, 0, 0);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    this.drawTangent(context, rate, distortion, beta, theme);
    this.drawPoint(context, rate, distortion, theme);
    this.canvas.dataset.rate = rate.toFixed(4);
    this.canvas.dataset.distortion = distortion.toFixed(4);
  }

  /** All points with the same D + beta R. */
  drawTangent(context, rate, distortion, beta, theme) {
    const { left, right } = this.domain;
    context.save();
    this.clip(context);
    context.beginPath();
    context.moveTo(this.toX(left), this.toY(distortion + beta * (rate - left)));
    context.lineTo(this.toX(right), this.toY(distortion + beta * (rate - right)));
    stroke(context, theme.primary, 1.25, [5, 4]);
    context.restore();
  }

  drawPoint(context, rate, distortion, theme) {
    for (const [colour, radius] of [[theme.background, 7.5], [theme.primary, 5.5]]) {
      context.beginPath();
      context.arc(this.toX(rate), this.toY(distortion), radius, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
    }
  }

  clip(context) {
    context.beginPath();
    context.rect(PLOT.left, PLOT.top, this.plotWidth, this.plotHeight);
    context.clip();
  }

  /** What stays where it is, drawn once for a theme. */
  drawBase(curve, theme) {
    const context = this.base.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, this.width, this.height);
    this.drawFrame(context, theme);
    const taken = [this.drawLegend(context, theme)];
    const covered = this.curveBoxes(curve);
    context.beginPath();
    curve.totals.forEach((rate, i) => context.lineTo(this.toX(rate), this.toY(curve.distortion[i])));
    context.lineJoin = "round";
    stroke(context, theme.text, 2);
    for (const { rate, distortion } of this.trained) {
      diamond(context, this.toX(rate), this.toY(distortion), theme);
    }
    // Models that differ in their seed alone share a caption.
    const captions = new Map(this.trained.map((model) => [model.caption, model]));
    for (const model of captions.values()) this.drawCaption(context, model, theme, taken, covered);
  }

  drawFrame(context, theme) {
    const { low, high, left, right } = this.domain;
    const [foot, middle] = [this.height - PLOT.bottom, PLOT.top + this.plotHeight / 2];
    context.strokeStyle = theme.border;
    context.lineWidth = 1;
    context.strokeRect(PLOT.left + 0.5, PLOT.top + 0.5, this.plotWidth - 1, this.plotHeight - 1);
    context.font = `${LABEL_FONT}px ${theme.font}`;
    context.fillStyle = theme.quiet;
    write(context, "top", "center");
    for (const { value, text } of ticks(left, right)) context.fillText(text, this.toX(value), foot + 5);
    write(context, "middle", "right");
    for (const { value, text } of ticks(low, high)) context.fillText(text, PLOT.left - 5, this.toY(value));
    context.fillStyle = theme.text;
    write(context, "top", "center");
    context.fillText("rate (nats per test image)", PLOT.left + this.plotWidth / 2, foot + 22);
    context.save();
    context.translate(4, middle);
    context.rotate(-Math.PI / 2);
    context.fillText("distortion (nats per test image)", 0, 0);
    context.restore();
  }

  /** In the upper right, where a falling convex curve never goes; returns the box it takes. */
  drawLegend(context, theme) {
    const entries = [["one network, any β", (x, y) => this.swatch(context, x, y, theme.text, 2, [])]];
    if (this.trained.length) {
      entries.push(["trained for one β", (x, y) => diamond(context, x + 9, y, theme)]);
    }
    entries.push(["slope −β", (x, y) => this.swatch(context, x, y, theme.primary, 1.25, [5, 4])]);
    const wide = Math.max(...entries.map(([text]) => context.measureText(text).width));
    const [left, top] = [this.width - PLOT.right - wide - 10, PLOT.top + 14];
    entries.forEach(([text, draw], i) => {
      const y = top + i * LEGEND_LINE;
      draw(left - 24, y);
      context.fillStyle = theme.quiet;
      write(context, "middle", "left");
      context.fillText(text, left, y);
    });
    return { left: left - 28, top: PLOT.top, right: this.width, foot: top + entries.length * LEGEND_LINE - 6 };
  }

  swatch(context, x, y, colour, width, dashes) {
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + 18, y);
    stroke(context, colour, width, dashes);
  }

  /** A mark's caption where there is room, at best beside the curve, else over it. */
  drawCaption(context, { rate, distortion, caption }, theme, taken, covered) {
    const [x, y] = [this.toX(rate), this.toY(distortion)];
    const wide = context.measureText(caption).width;
    const boxes = [
      boxAt(x + 8, y - 9, wide),
      boxAt(x - 8 - wide, y + 9, wide),
      boxAt(x + 10, y, wide),
      boxAt(x - 10 - wide, y, wide),
    ];
    const room = boxes.filter((box) => this.holds(box) && !meets(box, taken));
    const best = room.find((box) => !meets(box, covered)) ?? room[0];
    if (!best) return;
    taken.push(best);
    write(context, "middle", "left");
    const place = [best.left, (best.top + best.foot) / 2];
    context.strokeStyle = theme.background;
    context.lineWidth = 3;
    context.strokeText(caption, ...place);
    context.fillStyle = theme.text;
    context.fillText(caption, ...place);
  }

  /** What the curve covers. */
  curveBoxes(curve) {
    const boxes = [];
    for (let i = 0; i < 8 * (curve.size - 1); i++) {
      const [row, weight] = [Math.floor(i / 8), (i % 8) / 8];
      const between = (values) => values[row] + weight * (values[row + 1] - values[row]);
      const [x, y] = [this.toX(between(curve.totals)), this.toY(between(curve.distortion))];
      boxes.push({ left: x - 2, right: x + 2, top: y - 2, foot: y + 2 });
    }
    return boxes;
  }

  holds({ left, right, top, foot }) {
    const inside = left > PLOT.left && right < this.width - PLOT.right;
    return inside && top > PLOT.top && foot < this.height - PLOT.bottom;
  }
}

const boxAt = (left, middle, wide) => ({ left, right: left + wide, top: middle - 7, foot: middle + 7 });

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.foot && b.top < a.foot;

const meets = (box, others) => others.some((other) => overlap(box, other));

function write(context, baseline, align) {
  context.textBaseline = baseline;
  context.textAlign = align;
}

function stroke(context, colour, width, dashes = []) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.stroke();
  context.setLineDash([]);
}

/** An open mark. */
function diamond(context, x, y, theme) {
  context.beginPath();
  for (const [right, down] of [[0, -5], [5, 0], [0, 5], [-5, 0]]) context.lineTo(x + right, y + down);
  context.closePath();
  context.fillStyle = theme.background;
  context.fill();
  stroke(context, theme.text, 1.5);
}
