// One or more live pictures and what moves them.

/**
 * One live picture; `order` says which latent index each slider moves in this model, and `base` the
 * code from which it moves.
 */
class Panel {
  constructor({ asset, caption, order, base }, size, place, signal, ready) {
    this.order = order;
    this.base = base;
    const label = `decoded image${caption ? `, ${caption}` : ""}`;
    const testid = place === 0 ? "live-decoded" : `live-decoded-${place}`;
    this.picture = new Picture(size, { "aria-label": label, "data-testid": testid });
    this.root = element("figure", {}, this.picture.root);
    if (caption) this.root.append(element("figcaption", { text: caption }));
    whenAsset(asset, signal, (blob) => this.adopt(blob, ready));
  }

  adopt(blob, ready) {
    this.decoder = new Decoder(blob);
    this.code = new Float64Array(this.decoder.latent);
    this.picture.adopt(this.decoder.shape);
    ready();
  }

  paint(value) {
    if (this.decoder) this.picture.draw(this.decode(value));
  }

  /** Pixel means for the controls' value; valid until the next decode. */
  decode(value) {
    this.fill(value);
    return this.decoder.decode(this.code);
  }

  fill(value) {
    const { code, order, base } = this;
    for (let i = 0; i < code.length; i++) code[i] = base?.[i] ?? 0;
    const places = order ?? value;
    const count = Math.min(places.length, value.length);
    for (let i = 0; i < count; i++) code[order ? order[i] : i] += value[i];
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
    this.control = this.makeControl(startingValue(spec, value, before, this.inbox));
    this.panels = spec.panels.map((panel, i) => this.makePanel(panel, i));
    if (spec.control.kind === "sliders" && spec.panels.length === 1) {
      this.strips = new Strips(this.control, this.panels[0], this.ending.signal);
    }
    this.root = this.layout();
    parent.querySelector(".live")?.remove();
    parent.append(this.root);
    onPixelRatio(this.ending.signal, () => this.resize());
    this.frame.request();
  }

  resize() {
    for (const { picture } of this.panels) picture.resize();
    this.strips?.arrange();
  }

  makeControl(value) {
    const { control } = this.spec;
    const { signal } = this.ending;
    const act = { moved: () => this.frame.request(), released: () => this.release() };
    if (control.kind === "walk") return new Walk(control, signal, act);
    const Kind = control.kind === "path" ? Path : Sliders;
    return new Kind(control, value, signal, act);
  }

  makePanel(panel, place) {
    const ready = () => this.frame.request();
    return new Panel(panel, this.spec.size, place, this.ending.signal, ready);
  }

  layout() {
    const { kind } = this.spec.control;
    const wide = this.panels.length > 1;
    const stage = element("div", { class: "stage" }, ...this.panels.map(({ root }) => root));
    const view = element("div", { class: "view" }, stage);
    if (kind === "walk") stage.addEventListener("click", () => this.control.toggle());
    else view.append(this.status(wide));
    const parts = [view, ...(kind === "walk" ? [] : [this.control.root])];
    if (kind === "sliders" && wide) parts.reverse();
    const root = element("div", { class: `live decode ${kind} ${wide ? "wide" : "single"}` }, ...parts);
    root.style.setProperty("--size", `${this.spec.size}px`);
    return root;
  }

  status(wide) {
    const time = element("span", { class: "quiet time" });
    this.stopwatch = new Stopwatch(time);
    const status = element("div", { class: "status" });
    if (!wide) {
      this.meter = new NormMeter(this.spec.latent);
      status.append(this.meter.root);
    }
    status.append(time);
    return status;
  }

  receive({ value }) {
    if (this.spec.control.kind === "walk" || !this.inbox.isNews(value)) return;
    this.control.value.set(value);
    this.control.show();
    this.frame.request();
  }

  release() {
    const name = this.spec.control.kind === "path" ? "t" : "z";
    const report = this.inbox.report(this.control.value);
    this.send(name, name === "t" ? report[0] : report);
  }

  paint() {
    this.control.writeCode(this.code);
    const start = performance.now();
    for (const panel of this.panels) panel.paint(this.code);
    this.strips?.refresh();
    this.meter?.show(this.code);
    if (this.panels.some(({ decoder }) => decoder)) this.stopwatch?.add(performance.now() - start);
  }

  destroy() {
    this.ending.abort();
    this.control.stop();
    this.strips?.stop();
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
