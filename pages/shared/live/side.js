// Beside the map: the decoded image, where it lies, the nearest code, classes and backdrops.

const CHIP_TITLE = "click: show or hide; double-click: only this one";

export class SidePanel {
  constructor({ colors, plane }, map) {
    Object.assign(this, { colors, map });
    const { signal } = map.ending;
    const testid = { "data-testid": "live-map-decoded" };
    this.preview = new Picture(PREVIEW, { "aria-label": "decoded image", ...testid });
    this.thumbnail = new Picture(THUMBNAIL, { "aria-label": "reconstruction of the nearest code" });
    this.time = element("span", { class: "quiet time" });
    this.stopwatch = new Stopwatch(this.time);
    this.caption = element("figcaption");
    this.meter = new NormMeter(map.latent);
    this.coordinates = plane.labels.map((text) => new Reading(text));
    this.words = element("span", { class: "nearest-words" });
    this.classes = element("div", { class: "chips", role: "group", "aria-label": "classes" });
    this.backdrops = this.makeBackdrops(signal);
    this.root = this.layout();
  }

  layout() {
    const coordinates = this.coordinates.map(({ root }) => root);
    const nearest = element("div", { class: "nearest" }, this.thumbnail.root, this.words);
    return element(
      "div",
      { class: "side" },
      element("figure", {}, this.preview.root, this.caption),
      element("div", { class: "readings" }, ...coordinates),
      this.meter.root,
      nearest,
      this.classes,
      this.backdrops,
      this.time,
    );
  }

  makeBackdrops(signal) {
    const group = element("div", { class: "segments", role: "group", "aria-label": "backdrop" });
    const buttons = Object.entries(BACKDROPS).map(([name, text]) => {
      const pressed = String(name === this.map.backdrop);
      const press = () => {
        this.map.chooseBackdrop(name);
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === made));
      };
      const made = button(text, signal, press, { "aria-pressed": pressed, "data-backdrop": name });
      return made;
    });
    group.append(...buttons);
    return group;
  }

  showClasses(codes) {
    const { signal } = this.map.ending;
    const ellipses = this.backdrops.querySelector('[data-backdrop="ellipses"]');
    ellipses.disabled = !codes.logvars;
    if (!codes.labels) return;
    const chips = Array.from({ length: codes.classCount }, (_, i) => {
      const dot = element("i");
      dot.style.background = this.colors[i % this.colors.length];
      const chip = element("button", { type: "button", class: "chip", title: CHIP_TITLE }, dot);
      chip.append(codes.classNames[i] ?? String(i));
      const on = (type, act) => chip.addEventListener(type, act, { signal });
      on("click", () => this.changeClasses(() => this.map.toggleClass(i)));
      on("dblclick", () => this.changeClasses(() => this.map.isolateClass(i)));
      return chip;
    });
    this.classes.replaceChildren(...chips);
    this.changeClasses(() => {});
  }

  changeClasses(change) {
    change();
    const { hidden } = this.map.codes;
    [...this.classes.children].forEach((chip, i) => chip.setAttribute("aria-pressed", String(!hidden[i])));
  }

  adopt(shape) {
    this.preview.adopt(shape);
    this.thumbnail.adopt(shape);
    this.shown = undefined;
  }

  resize() {
    this.preview.resize();
    this.thumbnail.resize();
  }

  show(z, place, caption, nearest) {
    const { codes, decoder } = this.map;
    this.caption.textContent = caption;
    this.coordinates.forEach((reading, i) => reading.show(place[i]));
    this.meter.show(z);
    this.describeNearest(codes, nearest, z);
    if (!decoder) return;
    const start = performance.now();
    this.preview.draw(decoder.decode(z));
    this.stopwatch.add(performance.now() - start);
    if (nearest >= 0 && nearest !== this.shown) this.thumbnail.draw(decoder.decode(codes.code(nearest)));
    this.shown = nearest;
  }

  describeNearest(codes, nearest, z) {
    if (nearest < 0) {
      this.words.textContent = "no class is shown";
      return;
    }
    const name = codes.labels ? `nearest dot: ${codes.nameOf(nearest)}` : "nearest dot";
    const space = codes.latent > 2 ? ` in ${codes.latent}-D` : "";
    this.words.textContent = `${name}\n${codes.distance(nearest, z).toFixed(2)} away${space}`;
  }
}

/** A name and a number that keeps its place. */
class Reading {
  constructor(name) {
    this.number = element("output", { class: "number" });
    this.root = element("span", { class: "reading" }, element("span", { class: "quiet", text: name }), this.number);
  }

  show(value) {
    this.number.textContent = signed(value);
  }
}
