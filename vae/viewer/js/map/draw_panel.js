// Drawing beside the map: the pad, what the model sees of it, and the code that it has.

/** `map` is told of codes by `placeDrawing(numbers)` and of finished drawings by `keepDrawing(drawing)`. */
export class DrawPanel {
  constructor({ ink, shape, encoder }, strokes, map, before) {
    this.map = map;
    const { signal } = map.ending;
    this.slot = { signal };
    this.pad = before?.pad ?? new Pad(ink, strokes);
    const changed = () => map.frame.stayAwake();
    this.pad.listen(signal, { changed, released: () => map.frame.request() });
    this.sees = new Seen({ ink, shape });
    this.buttons = element("div", { class: "pad-buttons" }, ...this.pad.buttons);
    whenAsset(encoder, signal, (blob) => {
      this.encoder = openEncoder(blob);
      map.frame.request();
    });
  }

  /** See to what is new on the pad; called before the map is painted. */
  follow() {
    const { pad, encoder } = this;
    if (pad.version !== this.seen) this.look();
    if (encoder && pad.version !== this.asked) this.ask(encoder);
    this.settle();
  }

  ask(encoder) {
    const { pad } = this;
    const asked = (this.asked = pad.version);
    if (pad.isEmpty) return this.adopt(null, asked);
    encoder.ask(this.slot, [this.image], (numbers, _, since) => {
      this.map.side.stopwatch.answered(since);
      if (!pad.isEmpty) this.adopt(numbers, asked);
    });
  }

  look() {
    this.seen = this.pad.version;
    this.image = this.sees.show(this.pad.strokes);
  }

  adopt(numbers, version) {
    this.coded = version;
    if (!numbers) this.slot.key = undefined;
    this.map.placeDrawing(numbers, version !== this.pad.reported);
  }

  /** Tell Python of a drawing once the pen is up and its code is there. */
  settle() {
    const { pad } = this;
    if (pad.isDown || this.coded !== pad.version || pad.reported === pad.version) return;
    pad.reported = pad.version;
    const pixels = pad.isEmpty ? [] : Array.from(this.image);
    this.map.keepDrawing({ strokes: pad.strokes, pixels });
  }
}
