// A pad alone: Python is told what was drawn when the pen is lifted.

class LiveDraw {
  constructor(parent, { spec, strokes, known }, send, before) {
    Object.assign(this, { spec, send });
    this.ending = new AbortController();
    this.pad = before?.pad ?? new Pad(spec.ink, strokes);
    this.pad.listen(this.ending.signal, { changed() {}, released: () => this.report() });
    const buttons = element("div", { class: "pad-buttons" }, ...this.pad.buttons);
    this.root = element("div", { class: "live drawing" }, this.pad.root, buttons);
    parent.querySelector(".live")?.remove();
    parent.append(this.root);
    onRoom(this.root, this.ending.signal, () => this.resize());
    onPixelRatio(this.ending.signal, () => this.resize());
    // It was drawn for a model of another image size.
    if (!known && !this.pad.isEmpty) this.report();
  }

  resize() {
    this.pad.fit(Math.max(96, Math.min(this.spec.size, this.root.clientWidth)));
  }

  receive() {}

  report() {
    const { pad, spec } = this;
    if (pad.isDown) return;
    const image = drawnImage(pad.strokes, spec.ink, spec.shape[1]);
    this.send("drawn", { strokes: pad.strokes, pixels: Array.from(image ?? []) });
  }

  destroy() {
    this.ending.abort();
    this.root.remove();
  }
}

export default mountable(
  ({ spec }) => JSON.stringify(spec),
  (parent, data, send, before) => new LiveDraw(parent, data, send, before),
);
