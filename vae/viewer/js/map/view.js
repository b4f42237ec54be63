// The map's window onto the plane: pan, zoom, axes.

export const MARGIN = { left: 44, right: 6, top: 6, bottom: 44 };

/** A square window: centre and span in the plane's units, `side` in CSS pixels. */
export class View {
  constructor(side, home) {
    this.side = side;
    this.home = home;
    this.reset();
  }

  reset() {
    Object.assign(this, this.home);
  }

  get scale() {
    return this.side / this.span;
  }

  toScreenX(x) {
    return this.side / 2 + (x - this.x) * this.scale;
  }

  toScreenY(y) {
    return this.side / 2 - (y - this.y) * this.scale;
  }

  toPlane(left, top) {
    const half = this.side / 2;
    return [this.x + (left - half) / this.scale, this.y - (top - half) / this.scale];
  }

  pan(right, down) {
    this.x -= right / this.scale;
    this.y += down / this.scale;
  }

  /** Zoom so that the place under (left, top) stays there. */
  zoom(factor, left, top) {
    const before = this.toPlane(left, top);
    this.span = Math.max(this.home.span / 200, Math.min(this.home.span * 8, this.span * factor));
    const after = this.toPlane(left, top);
    this.x += before[0] - after[0];
    this.y += before[1] - after[1];
  }

  get key() {
    return `${this.x} ${this.y} ${this.span}`;
  }
}

/** The window that holds nearly all of the points. */
export function homeView(xs, ys) {
  const [left, right] = middle(xs);
  const [low, high] = middle(ys);
  const span = 1.16 * Math.max(right - left, high - low, 0.1);
  return { x: (left + right) / 2, y: (low + high) / 2, span };
}

function middle(values) {
  const sorted = Float32Array.from(values).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [at(0.002), at(0.998)];
}

/** Round numbers inside [low, high], about six of them. */
export function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) {
    const value = i * step;
    found.push({ value, text: value.toFixed(digits).replace("-", "−") });
  }
  return found;
}

/** The frame, the ticks and the labels around the plot, whose corner is the origin. */
export function drawAxes(context, view, labels, theme) {
  const { side } = view;
  context.font = `12px ${theme.font}`;
  context.fillStyle = theme.quiet;
  context.strokeStyle = theme.border;
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, side - 1, side - 1);
  context.textBaseline = "top";
  context.textAlign = "center";
  const [left, high] = view.toPlane(0, 0);
  const [right, low] = view.toPlane(side, side);
  for (const { value, text } of ticks(left, right)) {
    context.fillText(text, view.toScreenX(value), side + 6);
  }
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const { value, text } of ticks(low, high)) context.fillText(text, -6, view.toScreenY(value));
  drawLabels(context, side, labels, theme);
}

function drawLabels(context, side, [across, up], theme) {
  context.fillStyle = theme.text;
  context.textAlign = "center";
  context.fillText(across, side / 2, side + 32);
  context.save();
  context.translate(-MARGIN.left + 9, side / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(up, 0, 0);
  context.restore();
}
