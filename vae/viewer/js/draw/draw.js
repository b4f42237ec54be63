// A button that opens a large pad over the page; Python is told what was drawn when the pen is lifted.

const SEEN = 112;
const EDGE = 16;
/** What stands beside the pad, or below it where the window is narrow. */
const BESIDE = 160;
const BELOW = 220;
const NARROW = 560;

class LiveDraw {
  constructor(parent, { spec, strokes, known }, send, before) {
    Object.assign(this, { spec, send });
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.pad = before?.pad ?? new Pad(spec.ink, strokes);
    this.sees = new Seen(spec);
    this.sees.fit(SEEN);
    this.frame = new Frame(() => this.sees.show(this.pad.strokes));
    this.pad.listen(signal, { changed: () => this.frame.request(), released: () => this.report() });
    this.dialog = this.makeDialog(signal);
    const open = button("Draw", signal, () => this.open(), { "aria-haspopup": "dialog" });
    this.root = element("div", { class: "live draw" }, open, this.dialog);
    parent.querySelector(".live")?.remove();
    parent.append(this.root);
    this.frame.request();
    onRoom(this.root, signal, () => this.arrange());
    onPixelRatio(signal, () => this.arrange());
    // It was drawn for a model of another image size.
    if (!known && !this.pad.isEmpty) this.report();
  }

  makeDialog(signal) {
    const done = button("Done", signal, () => dialog.close(), { autofocus: "" });
    const buttons = element("div", { class: "pad-buttons" }, ...this.pad.buttons, done);
    const side = element("div", { class: "beside" }, this.sees.root, buttons);
    const body = element("div", { class: "sheet" }, this.pad.root, side);
    const dialog = element("dialog", { "aria-label": "drawing pad" }, body);
    // A press beside the sheet closes it; a stroke that ends there does not.
    const leave = ({ target }) => target === dialog && dialog.close();
    dialog.addEventListener("pointerdown", leave, { signal });
    return dialog;
  }

  open() {
    this.dialog.showModal();
    this.arrange();
  }

  /** As large as the window allows, below the button that opens it; in the middle of a phone. */
  arrange() {
    const isNarrow = innerWidth < NARROW;
    const room = isNarrow ? [0, BELOW] : [BESIDE, 0];
    const [wide, high] = [innerWidth - room[0] - 4 * EDGE, innerHeight - room[1] - 4 * EDGE];
    this.pad.fit(Math.max(96, Math.min(this.spec.size, wide, high)));
    this.root.classList.toggle("narrow", isNarrow);
    const { style, offsetWidth, offsetHeight } = this.dialog;
    const box = this.root.getBoundingClientRect();
    const left = box.left + box.right < innerWidth ? box.left : box.right - offsetWidth;
    const within = (place, length, whole) => Math.max(EDGE, Math.min(place, whole - length - EDGE));
    style.margin = isNarrow ? "auto" : "0";
    style.left = isNarrow ? "0" : `${within(left, offsetWidth, innerWidth)}px`;
    style.top = isNarrow ? "0" : `${within(box.bottom + EDGE / 2, offsetHeight, innerHeight)}px`;
  }

  receive() {}

  report() {
    const { pad } = this;
    if (pad.isDown) return;
    const image = this.sees.show(pad.strokes);
    this.send("drawn", { strokes: pad.strokes, pixels: Array.from(image ?? []) });
  }

  destroy() {
    this.ending.abort();
    this.frame.cancel();
    this.root.remove();
  }
}

export default mountable(
  ({ spec }) => JSON.stringify(spec),
  (parent, data, send, before) => new LiveDraw(parent, data, send, before),
);
