// One or more live pictures and what moves them.

const INSET = 132;
const THUMBNAIL = 56;
const NARROW = 640;

/**
 * One live picture; `order` says which latent index each slider moves in this model, `signs` which
 * way, and `base` the code from which it moves.
 */
class Panel {
  constructor({ asset, caption, order, signs, base }, size, place, { signal, ready, answered }) {
    this.order = order;
    this.signs = signs;
    this.base = base;
    this.slot = { signal };
    this.answered = answered;
    this.use = (pixels, _, asked) => {
      this.picture.draw(pixels);
      answered(asked);
    };
    const label = `decoded image${caption ? `, ${caption}` : ""}`;
    const testid = place === 0 ? "live-decoded" : `live-decoded-${place}`;
    this.picture = new Picture(size, { "aria-label": label, "data-testid": testid });
    this.root = element("figure", {}, this.picture.root);
    if (caption) this.root.append(element("figcaption", { text: caption }));
    whenAsset(asset, signal, (blob) => this.adopt(openDecoder(blob), ready));
  }

  adopt(decoder, ready) {
    this.decoder = decoder;
    this.code = new Float64Array(decoder.latent);
    this.codes = [this.code];
    this.picture.adopt(decoder.shape);
    ready(decoder);
  }

  /** Draw the controls' value, now or when the server has answered. */
  paint(value) {
    if (!this.decoder) return;
    this.reel?.stop();
    this.fill(value);
    this.decoder.ask(this.slot, this.codes, this.use);
  }

  /** Draw what the controls show while they move by themselves. */
  play(value, control, scratch) {
    if (!this.decoder?.isServed) return this.paint(value);
    const draw = (pixels) => this.picture.draw(pixels);
    this.reel ??= new Reel(this.decoder, this.slot.signal, { draw, answered: this.answered });
    this.slot.key = undefined;
    this.reel.show(control.clock.seconds, (moment) => {
      control.writeMoment(moment, scratch);
      return this.codeOf(scratch);
    });
  }

  /** This model's code for the controls' value; overwritten by the next. */
  codeOf(value) {
    this.fill(value);
    return this.code;
  }

  fill(value) {
    const { code, order, signs, base } = this;
    for (let i = 0; i < code.length; i++) code[i] = base?.[i] ?? 0;
    const places = order ?? value;
    const count = Math.min(places.length, value.length);
    for (let i = 0; i < count; i++) code[order ? order[i] : i] += (signs?.[i] ?? 1) * value[i];
  }
}

/** Two images faded into each other: what the way through latent space is compared with. */
class Blend {
  constructor({ shape, start, end }, size) {
    this.ends = [start, end].map((text) => Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)));
    this.pixels = new Float32Array(this.ends[0].length);
    const label = { "aria-label": "pixel blend", "data-testid": "live-blend" };
    this.picture = new Picture(size, label);
    this.picture.adopt(shape);
    this.root = element("figure", {}, this.picture.root, element("figcaption", { text: "pixel blend" }));
  }

  paint(t) {
    const [start, end] = this.ends;
    const { pixels } = this;
    for (let p = 0; p < pixels.length; p++) pixels[p] = ((1 - t) * start[p] + t * end[p]) / 255;
    this.picture.draw(pixels);
  }
}

class LiveDecode {
  constructor(parent, { spec, value }, send, before) {
    this.send = send;
    this.spec = spec;
    this.ending = new AbortController();
    this.inbox = before?.inbox ?? new Inbox();
    this.frame = new Frame(() => this.paint());
    this.code = new Float64Array(spec.latent);
    this.scratch = new Float64Array(spec.latent);
    this.control = this.makeControl(startingValue(spec, value, before, this.inbox));
    this.time = element("span", { class: "quiet time" });
    if (spec.control.kind !== "walk") this.stopwatch = new Stopwatch(this.time);
    if (spec.surroundings) this.lookAround(spec.surroundings);
    this.panels = spec.panels.map((panel, i) => this.makePanel(panel, i));
    if (spec.control.kind === "sliders" && spec.panels.length === 1) {
      this.strips = new Strips(this.control, this.panels[0], this.ending.signal);
    }
    if (spec.blend) this.blend = new Blend(spec.blend, spec.size);
    this.root = this.layout();
    parent.querySelector(".live")?.remove();
    parent.append(this.root);
    onRoom(this.root, this.ending.signal, () => this.resize());
    onPixelRatio(this.ending.signal, () => this.resize());
    this.frame.request();
  }

  /** Pictures as large as the window has room for. */
  resize() {
    const { size, control } = this.spec;
    const side = pictureSide(this.root, size, this.columns());
    this.root.style.setProperty("--size", `${side}px`);
    for (const { picture } of this.panels) picture.fit(side);
    this.blend?.picture.fit(side);
    this.inset?.fit(control.kind === "path" ? side : Math.round((INSET * side) / size));
    this.surroundings?.fit(Math.round((THUMBNAIL * side) / size));
    this.strips?.arrange();
    this.frame.request();
  }

  /** How many pictures, or their like, share the width. */
  columns() {
    if (this.spec.control.kind === "path") return 1 + Boolean(this.blend) + Boolean(this.inset);
    if (this.spec.control.kind === "walk" || this.panels.length > 1) return this.panels.length;
    return this.root.clientWidth < NARROW ? 1.3 : 2.5;
  }

  /** The codes around the place: a small map, and for sliders the nearest test images. */
  lookAround({ codes, pictures, plane, colors }) {
    const { signal } = this.ending;
    const { kind } = this.spec.control;
    this.inset = new Inset({ plane, colors }, INSET);
    this.surroundings = new Surroundings(THUMBNAIL, kind === "path" ? null : pictures, signal);
    whenAsset(codes, signal, (blob) => {
      const found = new Codes(blob, plane);
      this.inset.adoptCodes(found);
      this.surroundings.adoptCodes(found);
      this.frame.request();
    });
  }

  makeControl(value) {
    const { control } = this.spec;
    const { signal } = this.ending;
    const act = { moved: () => this.frame.stayAwake(), released: () => this.release() };
    if (control.kind === "walk") return new Walk(control, signal, act);
    const Kind = control.kind === "path" ? Path : Sliders;
    return new Kind(control, value, signal, act);
  }

  makePanel(panel, place) {
    const ready = (decoder) => {
      this.stopwatch?.follow(decoder);
      if (this.spec.control.kind === "sliders") this.surroundings?.adoptDecoder(decoder);
      this.frame.request();
    };
    const answered = (asked) => this.stopwatch?.answered(asked);
    return new Panel(panel, this.spec.size, place, { signal: this.ending.signal, ready, answered });
  }

  layout() {
    const { kind } = this.spec.control;
    const wide = this.panels.length > 1;
    const pictures = this.panels.map(({ root }) => root);
    if (this.blend) pictures.push(this.blend.root);
    if (this.inset && kind === "path") pictures.push(this.inset.withCaption("on the map"));
    const stage = element("div", { class: "stage" }, ...pictures);
    const view = element("div", { class: "view" }, stage);
    if (kind === "walk") stage.addEventListener("click", () => this.control.toggle());
    else view.append(this.status(wide));
    if (this.inset && kind === "sliders") view.append(this.around());
    const parts = [view, ...(kind === "walk" ? [] : [this.control.root])];
    if (kind === "sliders" && wide) parts.reverse();
    const root = element("div", { class: `live decode ${kind} ${wide ? "wide" : "single"}` }, ...parts);
    return root;
  }

  around() {
    const { nearest, words } = this.surroundings;
    words.append(this.time);
    return element("div", { class: "around" }, this.inset.root, nearest);
  }

  status(wide) {
    const status = element("div", { class: "status" });
    if (!wide && this.spec.surroundings?.plane.has_prior !== false) {
      this.meter = new NormMeter(this.spec.latent);
      status.append(this.meter.root);
    }
    if (this.surroundings) status.append(this.surroundings.meter.root);
    status.append(this.time);
    return status;
  }

  receive({ value }) {
    if (this.spec.control.kind === "walk" || !this.inbox.isNews(value)) return;
    this.control.value.set(value);
    this.control.show();
    for (const { reel } of this.panels) reel?.stop();
    this.frame.request();
  }

  release() {
    const name = this.spec.control.kind === "path" ? "t" : "z";
    const report = this.inbox.report(this.control.value);
    this.send(name, name === "t" ? report[0] : report);
    this.frame.request();
  }

  paint() {
    this.control.writeCode(this.code);
    const start = performance.now();
    this.paintPanels();
    this.strips?.refresh();
    this.meter?.show(this.code);
    this.blend?.paint(this.control.share);
    this.surroundings?.show(this.code);
    this.inset?.show(this.code, this.root, this.spec.control.points);
    if (this.panels.some(({ decoder }) => decoder)) this.stopwatch?.addHere(performance.now() - start);
  }

  paintPanels() {
    const { control, code } = this;
    for (const panel of this.panels) {
      if (control.clock?.running) panel.play(code, control, this.scratch);
      else panel.paint(code);
    }
  }

  destroy() {
    this.ending.abort();
    this.control.stop();
    this.strips?.stop();
    this.surroundings?.stop();
    this.frame.cancel();
    this.root.remove();
  }
}

/** Python's value where it is new, else what was shown before the instrument was rebuilt. */
function startingValue(spec, value, before, inbox) {
  const length = spec.control.kind === "path" ? 1 : spec.latent;
  const kept = before?.control.value;
  const news = inbox.isNews(value);
  const start = (!news && kept?.length === length ? kept : value) ?? [];
  return Float64Array.from({ length }, (_, i) => start[i] ?? 0);
}

export default mountable(
  ({ spec }) => JSON.stringify(spec),
  (parent, data, send, before) => new LiveDecode(parent, data, send, before),
);
