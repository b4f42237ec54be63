// The map: codes on a plane, and the decoded image under the pointer.

const PREVIEW = 224;
const SMALL_PREVIEW = 140;
const SIDE = 320;
const AROUND = 200;
const NARROW = 640;
const THUMBNAIL = 56;
const PAD = 256;
const LARGE_PAD = 300;
const PAD_GAP = 16;
const BOTTOM = 12;
const SHORT = 320;
const PAIR = 84;
const LARGE_PAIR = 112;
const TRAIL = 60;
const TOOLS = { point: "Pointer", draw: "Draw" };
const BACKDROPS = { none: "None", manifold: "Manifold", ellipses: "Ellipses", prior: "Prior" };

class LiveMap {
  constructor(parent, { spec, value, strokes, tool }, send, before) {
    Object.assign(this, { spec, send, plane: spec.plane, backdrop: before?.backdrop ?? spec.backdrop });
    this.tool = before?.tool ?? tool;
    this.trail = before?.trail ?? [];
    this.ending = new AbortController();
    this.inbox = before?.inbox ?? new Inbox();
    this.latent = spec.plane.origin.length;
    this.palette = spec.colors.map(rgbOf);
    this.z = new Float64Array(this.latent);
    this.under = new Float64Array(this.latent);
    this.pin = this.inbox.isNews(value) ? Float64Array.from(value) : (before?.pin ?? null);
    if (this.pin?.length !== this.latent) this.pin = null;
    this.frame = new Frame(() => this.paint());
    if (spec.drawing?.encoder) this.drawing = new DrawPanel(spec.drawing, strokes, this, before?.drawing);
    this.side = new SidePanel(spec, this);
    this.canvas = this.makeCanvas();
    this.base = element("canvas");
    this.root = element("div", { class: "live map" }, this.canvas, this.side.root);
    parent.querySelector(".live")?.remove();
    parent.append(this.root);
    onRoom(this.root, this.ending.signal, () => this.resize());
    this.listen();
    this.awaitAssets();
  }

  makeCanvas() {
    const label = "map of the codes; arrow keys move the pinned place, plus and minus zoom, 0 resets";
    const canvas = element("canvas", { "data-testid": "live-map", "data-draws": "0", tabindex: "0" });
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", label);
    return canvas;
  }

  get plotSide() {
    return this.size - MARGIN.left - MARGIN.right;
  }

  /** As large as there is room for, unless Python says how large. */
  resize() {
    const isNarrow = this.root.clientWidth < NARROW;
    this.root.classList.toggle("narrow", isNarrow);
    this.root.classList.toggle("with-pad", this.isDrawing);
    this.size = this.spec.size ?? squareSide(this.root, isNarrow ? 0 : SIDE, AROUND);
    this.fitSide(isNarrow);
    if (this.view) this.view.side = this.plotSide;
    this.canvas.style.width = this.canvas.style.height = `${this.size}px`;
    this.canvas.width = this.canvas.height = Math.round(this.size * devicePixelRatio);
    this.base.width = this.base.height = Math.round(this.plotSide * devicePixelRatio);
    this.baseContext = this.base.getContext("2d", { willReadFrequently: true });
    this.image = new ImageData(this.base.width, this.base.width);
    this.stale();
  }

  /** The side's pictures as large as the window has room for beside what else stands there. */
  fitSide(isNarrow) {
    const isLarge = this.size > 640;
    const preview = isLarge ? 2 * SMALL_PREVIEW : PREVIEW;
    const pad = isNarrow ? this.root.clientWidth - PAIR - PAD_GAP : isLarge ? LARGE_PAD : PAD;
    const pair = isLarge ? LARGE_PAIR : PAIR;
    this.side.fit(preview, pad, pair);
    const { top, height } = this.side.root.getBoundingClientRect();
    const over = Math.max(0, top) + height + BOTTOM - innerHeight;
    if (isNarrow || over <= 0) return;
    this.side.fit(Math.max(SMALL_PREVIEW, preview - over), Math.max(SMALL_PREVIEW, pad - over), pair);
  }

  awaitAssets() {
    const { signal } = this.ending;
    whenAsset(this.spec.codes, signal, (blob) => {
      this.codes = new Codes(blob, this.plane);
      this.view = new View(this.plotSide, homeView(this.codes.x, this.codes.y));
      this.side.showClasses(this.codes);
      this.resize();
    });
    whenAsset(this.spec.decoder, signal, (blob) => {
      this.decoder = openDecoder(blob);
      const codeAt = (x, y) => this.codeAt(x, y, this.under);
      this.manifold = new Manifold(this.decoder, codeAt, () => this.stale(), signal);
      this.side.adopt(this.decoder);
      this.stale();
    });
  }

  listen() {
    const { signal } = this.ending;
    new Gestures(this.canvas, signal, this);
    onPixelRatio(signal, () => this.resize());
  }

  receive({ value }) {
    if (this.inbox.isNews(value)) {
      this.pin = Float64Array.from(value);
      this.pointer = null;
    }
    this.stale();
  }

  /** The picture behind the markers must be drawn again. */
  stale() {
    this.isStale = true;
    this.frame.request();
  }

  codeAt(x, y, z) {
    const { origin, basis } = this.plane;
    for (let d = 0; d < z.length; d++) z[d] = origin[d] + x * basis[0][d] + y * basis[1][d];
    return z;
  }

  placeOf(z) {
    return placeOn(this.plane, z);
  }

  hover(left, top) {
    this.pointer = left === null ? null : [left, top];
    this.frame.stayAwake();
  }

  pan(right, down) {
    this.view?.pan(right, down);
    this.stale();
  }

  zoom(factor, left, top) {
    this.view?.zoom(factor, left, top);
    this.stale();
  }

  reset() {
    this.view?.reset();
    this.stale();
  }

  chooseBackdrop(name) {
    this.backdrop = name;
    this.manifold?.stop();
    this.stale();
  }

  get isDrawing() {
    return this.tool === "draw" && this.drawing !== undefined;
  }

  chooseTool(name) {
    this.tool = name;
    this.resize();
    this.send("tool", name);
  }

  /** The drawing's code, or none; `isNew` where a hand drew it here, which is where it is pinned. */
  placeDrawing(numbers, isNew) {
    const { latent } = this;
    const logvars = numbers?.length > latent ? numbers.slice(latent) : null;
    this.drawn = numbers && { mean: Float64Array.from(numbers.subarray(0, latent)), logvars };
    this.trail = numbers ? [...this.trail.slice(1 - TRAIL), this.drawn.mean] : [];
    if (numbers && isNew) {
      this.pin = this.drawn.mean;
      this.pointer = null;
    }
    this.frame.request();
  }

  keepDrawing(drawing) {
    const z = this.drawn && this.inbox.report(this.drawn.mean);
    this.send("drawn", { ...drawing, z });
  }

  toggleClass(index) {
    this.codes.hidden[index] ^= 1;
    this.stale();
  }

  /** Show only this class, or all again where it is alone already. */
  isolateClass(index) {
    const { hidden } = this.codes;
    const alone = hidden.every((flag, i) => flag === Number(i !== index));
    hidden.forEach((_, i) => (hidden[i] = Number(!alone && i !== index)));
    this.stale();
  }

  pinAt(left, top) {
    if (!this.view) return;
    this.pin = this.codeAt(...this.view.toPlane(left, top), new Float64Array(this.latent));
    this.frame.request();
  }

  movePin(right, up) {
    if (!this.view) return;
    const [x, y] = this.pin ? this.placeOf(this.pin) : [this.view.x, this.view.y];
    const step = this.view.span / 60;
    this.pin = this.codeAt(x + right * step, y + up * step, new Float64Array(this.latent));
    this.pointer = null;
    this.frame.request();
  }

  commitPin() {
    if (!this.pin || !this.codes) return;
    const index = this.codes.nearest(...this.placeOf(this.pin));
    this.send("pinned", { z: this.inbox.report(this.pin), index });
  }

  paint() {
    this.drawing?.follow();
    if (!this.codes) return this.paintEmpty();
    if (this.isStale) this.paintBase();
    this.isStale = false;
    const nearest = this.preview();
    const context = this.canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.size, this.size);
    context.drawImage(this.base, MARGIN.left, MARGIN.top, this.plotSide, this.plotSide);
    context.translate(MARGIN.left, MARGIN.top);
    drawAxes(context, this.view, this.titles, this.theme);
    this.drawMarkers(context, nearest);
    this.canvas.dataset.draws = Number(this.canvas.dataset.draws) + 1;
  }

  get titles() {
    const { labels, symbols, has_prior } = this.plane;
    const unit = has_prior ? " (standard deviations of the prior)" : "";
    return (this.plotSide < SHORT ? symbols : labels).map((label) => `${label}${unit}`);
  }

  /** The place of the plot, until there are codes. */
  paintEmpty() {
    const context = this.canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = themeOf(this.root).empty;
    context.fillRect(MARGIN.left, MARGIN.top, this.plotSide, this.plotSide);
  }

  paintBase() {
    this.theme = themeOf(this.root);
    const { baseContext: context, view, codes, base, palette, backdrop, theme } = this;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, view.side, view.side);
    const behind = backdrop === "manifold" && this.manifold;
    if (behind) this.manifold.show(context, view, base.width);
    const { radius, opacity } = dotStyle(codes.count, view.home.span / view.span);
    const faint = behind || backdrop === "ellipses" ? 0.6 : 1;
    const image = behind ? context.getImageData(0, 0, base.width, base.height) : this.blankImage();
    splat(image, codes, view, palette, radius, opacity * faint);
    context.putImageData(image, 0, 0);
    if (backdrop === "ellipses" && codes.logvars) drawEllipses(context, codes, view, palette);
    if (backdrop === "prior") drawPrior(context, this.plane, view, theme);
  }

  /** The bare plot, without the megabyte that reading it back would cost each frame. */
  blankImage() {
    const [bare] = new Uint32Array(this.baseContext.getImageData(0, 0, 1, 1).data.buffer);
    new Uint32Array(this.image.data.buffer).fill(bare);
    return this.image;
  }

  /** Decode the place that counts now; returns the nearest code's index. */
  preview() {
    const drawn = this.isDrawing ? this.drawn : null;
    if (this.pointer) this.codeAt(...this.view.toPlane(...this.pointer), this.z);
    else this.z.set(drawn?.mean ?? this.pin ?? this.plane.origin);
    const place = this.placeOf(this.z);
    const nearest = this.codes.nearest(...place);
    this.side.show(this.z, place, this.describePlace(drawn));
    return nearest;
  }

  describePlace(drawn) {
    if (this.pointer) return "under the pointer";
    if (drawn) return "it decodes to";
    return this.pin ? "pinned" : "centre of the map";
  }

  drawMarkers(context, nearest) {
    const { view, codes, theme } = this;
    context.save();
    context.beginPath();
    context.rect(0, 0, view.side, view.side);
    context.clip();
    if (nearest >= 0 && this.pointer) {
      ring(context, view, codes.x[nearest], codes.y[nearest], 5, theme.text, 1.5);
    }
    const drawn = this.isDrawing ? this.drawn : null;
    if (this.pin && this.pin !== drawn?.mean) drawPin(context, view, this.placeOf(this.pin), theme);
    if (drawn) this.drawDrawing(context);
    context.restore();
  }

  /** Where the drawing is, how sure the encoder is of that, and the way that it came. */
  drawDrawing(context) {
    const { view, theme, plane, latent } = this;
    drawTrail(context, view, this.trail.map((z) => this.placeOf(z)), theme);
    const [x, y] = this.placeOf(this.drawn.mean);
    const { logvars } = this.drawn;
    if (logvars) drawEllipse(context, view, [x, y], ellipseOf({ logvars, latent, plane }, 0), theme);
    drawDot(context, view, [x, y], theme);
  }

  destroy() {
    this.ending.abort();
    this.frame.cancel();
    this.manifold?.stop();
    this.side.stop();
    this.root.remove();
  }
}

function drawPin(context, view, [x, y], theme) {
  ring(context, view, x, y, 8, theme.background, 5);
  ring(context, view, x, y, 8, theme.primary, 2.5);
  ring(context, view, x, y, 1, theme.primary, 2.5);
}

function drawDot(context, view, [x, y], theme) {
  for (const [colour, radius] of [[theme.background, 11], [theme.text, 9], [theme.primary, 6.5]]) {
    context.beginPath();
    context.arc(view.toScreenX(x), view.toScreenY(y), radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }
}

function drawTrail(context, view, places, theme) {
  context.beginPath();
  for (const [x, y] of places) context.lineTo(view.toScreenX(x), view.toScreenY(y));
  context.lineJoin = "round";
  context.globalAlpha = 0.5;
  context.strokeStyle = theme.text;
  context.lineWidth = 1.5;
  context.stroke();
  context.globalAlpha = 1;
}

function drawEllipse(context, view, [x, y], { major, minor, angle }, theme) {
  const [left, top] = [view.toScreenX(x), view.toScreenY(y)];
  context.beginPath();
  context.ellipse(left, top, major * view.scale, minor * view.scale, -angle, 0, 2 * Math.PI);
  context.strokeStyle = theme.primary;
  context.lineWidth = 2;
  context.stroke();
}

function ring(context, view, x, y, radius, colour, width) {
  context.beginPath();
  context.arc(view.toScreenX(x), view.toScreenY(y), radius, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

export default mountable(
  ({ spec }) => JSON.stringify(spec),
  (parent, data, send, before) => new LiveMap(parent, data, send, before),
);
