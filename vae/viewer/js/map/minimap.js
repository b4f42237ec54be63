// A small map of all codes with the place that counts now, and the way through it where there is one.

const INSET_DOT = 0.9;

export class Inset {
  constructor({ plane, colors }, size) {
    this.plane = plane;
    this.palette = colors.map(rgbOf);
    this.title = `${plane.labels[0]} across, ${plane.labels[1]} up`;
    const label = `small map of all codes, ${this.title}`;
    this.canvas = element("canvas", { role: "img", "aria-label": label, title: this.title });
    this.base = element("canvas");
    this.root = element("figure", { class: "inset" }, this.canvas);
    this.fit(size);
  }

  fit(size) {
    this.size = size;
    this.canvas.style.width = this.canvas.style.height = `${size}px`;
    if (this.codes) this.adoptCodes(this.codes);
    this.resize();
  }

  withCaption(text) {
    this.root.append(element("figcaption", { text }));
    return this.root;
  }

  adoptCodes(codes) {
    this.codes = codes;
    this.view = new View(this.size, homeView(codes.x, codes.y));
  }

  resize() {
    const side = Math.round(this.size * devicePixelRatio);
    for (const canvas of [this.canvas, this.base]) canvas.width = canvas.height = side;
    this.drawn = undefined;
  }

  /** The codes, drawn once for a theme. */
  drawBase(theme) {
    const { base, codes, view, palette } = this;
    const context = base.getContext("2d");
    context.fillStyle = theme.background;
    context.fillRect(0, 0, base.width, base.height);
    const image = context.getImageData(0, 0, base.width, base.height);
    splat(image, codes, view, palette, INSET_DOT, Math.min(0.7, 2500 / codes.count + 0.25));
    context.putImageData(image, 0, 0);
  }

  /** Mark the code z, and draw the line through `trail` (codes) if given. */
  show(z, root, trail) {
    if (!this.codes) return;
    const theme = themeOf(root);
    const key = theme.background + theme.text;
    if (key !== this.drawn) this.drawBase(theme);
    this.drawn = key;
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.base, 0, 0);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    if (trail) this.drawTrail(context, trail, theme);
    this.drawPlace(context, placeOn(this.plane, z), theme);
  }

  drawTrail(context, trail, theme) {
    for (const [colour, width] of [[theme.background, 4], [theme.text, 1.75]]) {
      context.beginPath();
      for (const code of trail) context.lineTo(...this.onScreen(placeOn(this.plane, code)));
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.lineJoin = "round";
      context.stroke();
    }
  }

  /** On the edge where it lies outside. */
  drawPlace(context, place, theme) {
    const edge = (x) => Math.max(4, Math.min(this.size - 4, x));
    const [left, top] = this.onScreen(place).map(edge);
    for (const [colour, radius] of [[theme.background, 6.5], [theme.primary, 4.5]]) {
      context.beginPath();
      context.arc(left, top, radius, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
    }
  }

  onScreen([x, y]) {
    return [this.view.toScreenX(x), this.view.toScreenY(y)];
  }
}
