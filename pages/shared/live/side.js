// Beside the map: the decoded image, where it lies, what is near, classes and backdrops.

const CHIP_TITLE = "click: show or hide; double-click: only this one";

export class SidePanel {
  constructor({ colors, plane, pictures }, map) {
    Object.assign(this, { colors, map });
    const { signal } = map.ending;
    const testid = { "data-testid": "live-map-decoded" };
    this.preview = new Picture(PREVIEW, { "aria-label": "decoded image", ...testid });
    this.surroundings = new Surroundings(THUMBNAIL, pictures, signal);
    this.time = element("span", { class: "quiet time" });
    this.stopwatch = new Stopwatch(this.time);
    this.previewSlot = { signal };
    this.drawPreview = (pixels, _, asked) => {
      this.preview.draw(pixels);
      this.stopwatch.answered(asked);
    };
    this.caption = element("span");
    this.meter = plane.has_prior ? new NormMeter(map.latent) : null;
    this.coordinates = plane.labels.map((text) => new Reading(text));
    this.classes = element("div", { class: "chips", role: "group", "aria-label": "classes" });
    this.backdrops = this.makeBackdrops(signal);
    this.root = this.layout();
  }

  layout() {
    const coordinates = this.coordinates.map(({ root }) => root);
    const caption = element("figcaption", {}, this.caption, this.time);
    const { meter, nearest } = this.surroundings;
    const shown = this.meter ? [this.meter.root, meter.root] : [meter.root];
    const meters = element("div", { class: "meters" }, ...shown);
    return element(
      "div",
      { class: "side" },
      element("figure", {}, this.preview.root, caption),
      element("div", { class: "readings" }, ...coordinates),
      meters,
      nearest,
      this.classes,
      this.backdrops,
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
    this.surroundings.adoptCodes(codes);
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

  adopt(decoder) {
    this.preview.adopt(decoder.shape);
    this.surroundings.adoptDecoder(decoder);
    this.stopwatch.follow(decoder);
  }

  fit(preview) {
    this.preview.fit(preview);
    this.surroundings.fit(Math.round(preview / 4));
  }

  show(z, place, caption) {
    const { decoder } = this.map;
    this.caption.textContent = caption;
    this.coordinates.forEach((reading, i) => reading.show(place[i]));
    this.meter?.show(z);
    this.surroundings.show(z);
    if (!decoder) return;
    const start = performance.now();
    decoder.ask(this.previewSlot, [z], this.drawPreview);
    this.stopwatch.addHere(performance.now() - start);
  }

  stop() {
    this.surroundings.stop();
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
