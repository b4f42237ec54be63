// Beside the map: the pad, the decoded image, where it lies, what is near, classes and backdrops.

const CHIP_TITLE = "click: show or hide; double-click: only this one";

export class SidePanel {
  constructor({ colors, plane, pictures, drawing }, map) {
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
    this.coordinates = plane.symbols.map((text) => new Reading(text));
    this.classes = element("div", { class: "chips", role: "group", "aria-label": "classes" });
    const backdrop = { label: "backdrop", choices: BACKDROPS, chosen: map.backdrop };
    this.backdrops = new Segments(backdrop, signal, (name) => map.chooseBackdrop(name));
    if (drawing) this.tools = this.makeTools(drawing, signal);
    this.root = this.layout();
  }

  /** The pointer or the pen; the pen is there even where it makes no sense, and says why. */
  makeTools({ reason }, signal) {
    const tool = { label: "tool", choices: TOOLS, chosen: this.map.tool };
    const tools = new Segments(tool, signal, (name) => this.map.chooseTool(name));
    if (reason) tools.disable("draw", reason);
    return tools;
  }

  layout() {
    const coordinates = this.coordinates.map(({ root }) => root);
    const { drawing } = this.map;
    const { meter, nearest, words } = this.surroundings;
    words.append(this.time);
    const meters = this.meter ? [this.meter.root, meter.root] : [meter.root];
    const decoded = element("figure", {}, this.preview.root, element("figcaption", {}, this.caption));
    const tools = [this.tools?.root, drawing?.buttons].filter(Boolean);
    return element(
      "div",
      { class: "side" },
      ...(tools.length > 0 ? [element("div", { class: "tools" }, ...tools)] : []),
      ...(drawing ? [drawing.pad.root] : []),
      element("div", { class: "pictures" }, ...(drawing ? [drawing.sees.root] : []), decoded),
      element("div", { class: "readings" }, ...coordinates),
      element("div", { class: "meters" }, ...meters),
      nearest,
      this.classes,
      this.backdrops.root,
    );
  }

  showClasses(codes) {
    const { signal } = this.map.ending;
    this.surroundings.adoptCodes(codes);
    if (!codes.logvars) this.backdrops.disable("ellipses", "codes without a variance have none");
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

  /** Sides of the decoded image where it stands alone, of the pad, and of the pictures with it. */
  fit(preview, pad, pair) {
    const { drawing, isDrawing } = this.map;
    this.preview.fit(isDrawing ? pair : preview);
    this.surroundings.fit(Math.max(THUMBNAIL, Math.round(preview / 4)));
    drawing?.sees.fit(pair);
    drawing?.pad.fit(pad);
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

/** Buttons in a row of which one is pressed; `press(name)` when that changes. */
class Segments {
  constructor({ label, choices, chosen }, signal, press) {
    this.root = element("div", { class: "segments", role: "group", "aria-label": label });
    this.buttons = Object.entries(choices).map(([name, text]) => {
      const act = () => {
        this.choose(name);
        press(name);
      };
      return button(text, signal, act, { [`data-${label}`]: name, "data-name": name });
    });
    this.root.append(...this.buttons);
    this.choose(chosen);
  }

  choose(name) {
    for (const each of this.buttons) each.setAttribute("aria-pressed", String(each.dataset.name === name));
  }

  disable(name, reason) {
    const found = this.buttons.find(({ dataset }) => dataset.name === name);
    found.disabled = true;
    // A disabled button shows no title of its own.
    this.root.title = reason;
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
