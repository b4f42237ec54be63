// What can lie behind or over the codes: decoded images, posterior ellipses, the prior's contours.

const SLICE = 8;
const TILE = 28;

/** The view filled with decoded images, a few milliseconds of work each frame. */
export class Manifold {
  constructor(decoder, codeAt, changed, signal) {
    Object.assign(this, { decoder, codeAt });
    this.canvas = element("canvas");
    this.context = this.canvas.getContext("2d");
    this.stamp = new Stamp(decoder.shape);
    this.todo = [];
    this.backlog = new Backlog(decoder, SLICE, signal, {
      left: () => this.todo.length,
      take: () => this.todo.pop(),
      codeOf: (cell) => this.codeOf(cell),
      draw: (cell, pixels) => this.draw(cell, pixels),
      progressed: changed,
    });
  }

  /** Draw what is there for this view and go on with what is not. */
  show(context, view, pixels) {
    const key = `${view.key} ${pixels}`;
    if (key !== this.key) this.restart(view, pixels, key);
    context.drawImage(this.canvas, 0, 0, view.side, view.side);
  }

  restart(view, pixels, key) {
    this.keepOldPicture(view, pixels);
    this.key = key;
    this.view = Object.assign(Object.create(View.prototype), view);
    this.multiple = wholeMultiple(TILE, this.decoder.shape);
    const tile = this.multiple * Math.max(...this.decoder.shape.slice(1)) + 1;
    this.cells = Math.ceil(pixels / tile);
    this.tile = tile;
    this.todo = scattered(this.cells * this.cells);
    this.backlog.restart();
  }

  /** The tiles of the last view, moved to where they belong now, until new ones cover them. */
  keepOldPicture(view, pixels) {
    const old = this.key && element("canvas", { width: this.canvas.width, height: this.canvas.height });
    old?.getContext("2d").drawImage(this.canvas, 0, 0);
    this.canvas.width = this.canvas.height = pixels;
    if (!old) return;
    const ratio = pixels / view.side;
    const [left, top] = this.view.toPlane(0, 0);
    const size = (this.view.span / view.span) * pixels;
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(old, view.toScreenX(left) * ratio, view.toScreenY(top) * ratio, size, size);
  }

  /** Device pixels from the plot's corner to a tile's. */
  corner(cell) {
    return [(cell % this.cells) * this.tile, Math.floor(cell / this.cells) * this.tile];
  }

  codeOf(cell) {
    const { tile, canvas, view } = this;
    const ratio = view.side / canvas.width;
    const [left, top] = this.corner(cell);
    return this.codeAt(...view.toPlane((left + tile / 2) * ratio, (top + tile / 2) * ratio));
  }

  draw(cell, pixels) {
    const [left, top] = this.corner(cell);
    this.context.clearRect(left, top, this.tile, this.tile);
    this.stamp.draw(this.context, pixels, left, top, this.multiple);
  }

  stop() {
    this.backlog.stop();
    this.key = undefined;
  }
}

/** 0 … count - 1 in an order that covers the whole early: steps of about the golden section. */
function scattered(count) {
  let step = Math.max(1, Math.round(count * 0.618));
  while (divisor(step, count) !== 1) step++;
  return Array.from({ length: count }, (_, i) => (i * step) % count);
}

const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));

/** One-sigma posterior ellipses of a subset, at true scale. */
export function drawEllipses(context, codes, view, palette) {
  context.lineWidth = 1.2;
  for (const i of codes.sample(view, 250)) {
    const { major, minor, angle } = ellipseOf(codes, i);
    const [r, g, b] = palette[codes.classOf(i) % palette.length];
    context.beginPath();
    const [left, top] = [view.toScreenX(codes.x[i]), view.toScreenY(codes.y[i])];
    context.ellipse(left, top, major * view.scale, minor * view.scale, -angle, 0, 2 * Math.PI);
    context.fillStyle = `rgb(${r} ${g} ${b} / 0.16)`;
    context.strokeStyle = `rgb(${r} ${g} ${b})`;
    context.fill();
    context.stroke();
  }
}

/** Half axes and angle of the posterior's marginal on the plane. */
function ellipseOf({ logvars, latent, plane }, i) {
  const [u, v] = plane.basis;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let d = 0; d < latent; d++) {
    const variance = Math.exp(logvars[i * latent + d]);
    xx += variance * u[d] * u[d];
    xy += variance * u[d] * v[d];
    yy += variance * v[d] * v[d];
  }
  const mean = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  const [major, minor] = [mean + spread, mean - spread].map((value) => Math.sqrt(Math.max(0, value)));
  return { major, minor, angle: Math.atan2(2 * xy, xx - yy) / 2 };
}

/** The prior's density on the plane falls off around the point nearest to zero. */
export function drawPrior(context, plane, view, theme) {
  const [x, y] = plane.basis.map((axis) => -axis.reduce((sum, a, d) => sum + a * plane.origin[d], 0));
  const [left, top] = [view.toScreenX(x), view.toScreenY(y)];
  context.strokeStyle = context.fillStyle = theme.text;
  context.font = `12px ${theme.font}`;
  context.textAlign = "left";
  context.textBaseline = "bottom";
  for (const sigma of [1, 2, 3]) {
    const radius = sigma * view.scale;
    context.lineWidth = 1.5;
    context.setLineDash([6, 4]);
    context.beginPath();
    context.arc(left, top, radius, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
    context.fillText(`${sigma}σ`, left + radius * Math.SQRT1_2 + 3, top - radius * Math.SQRT1_2 - 3);
  }
}
