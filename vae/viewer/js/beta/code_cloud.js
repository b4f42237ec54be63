// All codes on a plane, shrinking towards the prior's mean as beta grows.

const LEAST_DOT = 0.9;
const FULL_SIDE = 400;
const AXES = ["across", "up"];
const PRIOR_RADII = [1, 2];
const SAMPLE = 40_000;
const LONGEST_BESIDE = 2;

export class Cloud {
  constructor(labels, colors) {
    this.colors = colors;
    const axes = labels.map((name, i) => `${name} ${AXES[i]}`).join(", ");
    const label = `the codes of test images, ${axes}`;
    const testid = { "data-testid": "live-cloud", "data-draws": "0" };
    this.canvas = element("canvas", { role: "img", "aria-label": label, ...testid });
    this.base = element("canvas");
    this.classes = element("div", { class: "classes" });
    const text = `${axes}; circles: prior at 1 and 2`;
    const caption = element("figcaption", { text, title: text });
    this.root = element("figure", { class: "cloud" }, this.canvas, this.classes, caption);
    this.draws = 0;
  }

  adopt(curve) {
    const { count } = curve;
    this.codes = {
      x: new Float32Array(count),
      y: new Float32Array(count),
      count,
      isHidden: () => false,
      // The last colour is that of no class.
      classOf: (i) => (curve.labels[i] < 0 ? this.colors.length : curve.labels[i] % this.colors.length),
    };
    this.home = { x: 0, y: 0, span: 2.1 * Math.max(2.1, reachOf(curve.points)) };
    this.showClasses(curve);
    this.drawn = undefined;
  }

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

  fit(side) {
    this.side = side;
    this.canvas.style.width = this.canvas.style.height = `${side}px`;
    const pixels = Math.round(side * devicePixelRatio);
    for (const canvas of [this.canvas, this.base]) canvas.width = canvas.height = pixels;
    this.image = new ImageData(pixels, pixels);
    this.drawn = undefined;
  }

  /** What the codes are drawn over, once for a theme. */
  drawBase(theme) {
    this.view = new View(this.side, this.home);
    const { radius } = dotStyle(this.codes.count, 1);
    this.dot = {
      radius: Math.max(LEAST_DOT, (radius * this.side) / FULL_SIDE),
      opacity: Math.min(0.85, 2500 / this.codes.count + 0.3),
    };
    this.palette = [...this.colors.map(rgbOf), rgbOf(theme.text.startsWith("#") ? theme.text : "#888888")];
    const context = this.base.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, this.side, this.side);
    context.strokeStyle = theme.border;
    context.strokeRect(0.5, 0.5, this.side - 1, this.side - 1);
    const image = context.getImageData(0, 0, this.base.width, this.base.height);
    this.empty = new Uint32Array(image.data.buffer);
  }

  /** Circles that hold 39 and 86 percent of the prior. */
  drawPrior(context, theme) {
    const middle = this.side / 2;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.font = `11px ${theme.font}`;
    write(context, "middle", "center");
    for (const radius of PRIOR_RADII) {
      const reach = radius * this.view.scale;
      context.beginPath();
      context.arc(middle, middle, reach, 0, 2 * Math.PI);
      stroke(context, theme.text, 1, [3, 3]);
      context.lineWidth = 3;
      context.strokeStyle = theme.background;
      context.strokeText(String(radius), middle, middle - reach);
      context.fillStyle = theme.text;
      context.fillText(String(radius), middle, middle - reach);
    }
  }

  show(curve, theme) {
    const key = theme.background + theme.text;
    if (key !== this.drawn) this.drawBase(theme);
    this.drawn = key;
    const { codes, image, view, palette } = this;
    curve.writePlaces(codes.x, codes.y);
    new Uint32Array(image.data.buffer).set(this.empty);
    const { radius, opacity } = this.dot;
    splat(image, codes, view, palette, radius, opacity);
    const context = this.canvas.getContext("2d");
    context.putImageData(image, 0, 0);
    this.drawPrior(context, theme);
    this.canvas.dataset.draws = ++this.draws;
  }
}

/** How far from (0, 0) nearly all codes lie at every beta. */
function reachOf(points) {
  // Odd, so that it meets both coordinates.
  const step = Math.floor(points.length / SAMPLE) | 1;
  const sizes = [];
  for (let i = 0; i < points.length; i += step) sizes.push(Math.abs(points[i]));
  return Float32Array.from(sizes).sort()[Math.floor(0.998 * (sizes.length - 1))] ?? 0;
}
