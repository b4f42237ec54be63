// Under each slider, on demand: what it would show from here, tile by tile under the thumb's places.

const STRIP_TILE = 28;
const STRIP_GAP = 2;
const STRIP_SLICE = 6;
const THUMB = 8;

export class Strips {
  constructor(sliders, panel, signal) {
    Object.assign(this, { sliders, panel, signal });
    this.tiles = [];
    this.next = 0;
    this.left = 0;
    const title = "show what each slider would do from here";
    this.toggle = button("Traversals", signal, () => this.open(!this.isOpen), { title });
    this.open(false);
    sliders.buttons.children[1].after(this.toggle);
    this.lines = sliders.rows.map((row) => this.line(row, signal));
    const observer = new ResizeObserver(() => this.arrange());
    observer.observe(sliders.root);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  line({ root, range, index }, signal) {
    const canvas = element("canvas", { class: "strip", "aria-hidden": "true" });
    root.append(canvas);
    const valueAt = (x) => {
      const fraction = (x - THUMB) / (canvas.clientWidth - 2 * THUMB);
      return range.low + fraction * (range.high - range.low);
    };
    const pick = (event) => {
      event.preventDefault();
      this.sliders.set(index, valueAt(event.offsetX));
      this.sliders.released();
    };
    canvas.addEventListener("click", pick, { signal });
    return { canvas, context: canvas.getContext("2d"), index, valueAt };
  }

  open(isOpen) {
    this.isOpen = isOpen;
    this.toggle.setAttribute("aria-pressed", String(isOpen));
    this.sliders.root.classList.toggle("with-strips", isOpen);
    if (this.lines) this.arrange();
  }

  /** As many tiles as fit into each visible line. */
  arrange() {
    if (!this.isOpen) return;
    this.tiles = this.lines.flatMap((line) => {
      const width = line.canvas.clientWidth;
      line.canvas.width = width * devicePixelRatio;
      line.canvas.height = STRIP_TILE * devicePixelRatio;
      const count = Math.floor((width + STRIP_GAP) / (STRIP_TILE + STRIP_GAP));
      const step = (width - STRIP_TILE) / Math.max(1, count - 1);
      return Array.from({ length: count }, (_, i) => ({ ...line, x: STRIP_TILE / 2 + i * step }));
    });
    this.next = 0;
    this.backlog?.restart();
    this.refresh();
  }

  /** Begin again at the tile that waits longest, so that a long drag starves none. */
  refresh() {
    if (!this.isOpen || !this.panel.decoder) return;
    this.backlog ??= this.makeBacklog(this.panel.decoder);
    this.left = this.tiles.length;
    this.backlog.start();
  }

  makeBacklog(decoder) {
    this.stamp = new Stamp(decoder.shape);
    return new Backlog(decoder, STRIP_SLICE, this.signal, {
      left: () => this.left,
      take: () => this.take(),
      codeOf: (tile) => this.codeOf(tile),
      draw: (tile, pixels) => this.draw(tile, pixels),
    });
  }

  take() {
    const tile = this.tiles[this.next];
    this.next = (this.next + 1) % this.tiles.length;
    this.left--;
    return tile;
  }

  codeOf({ index, x, valueAt }) {
    const value = this.sliders.value.slice();
    value[index] = valueAt(x);
    return this.panel.codeOf(value);
  }

  draw({ context, x }, pixels) {
    const { shape } = this.panel.decoder;
    const multiple = wholeMultiple(STRIP_TILE, shape);
    const left = Math.round(x * devicePixelRatio - (multiple * shape[2]) / 2);
    this.stamp.draw(context, pixels, left, 0, multiple);
  }

  stop() {
    this.backlog?.stop();
  }
}
