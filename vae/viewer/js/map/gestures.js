// Pointer, wheel and keyboard on the map, as hover, pan, zoom, reset and pins.

const CLICK_REACH = 4;
const DOUBLE_CLICK = 250;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const ZOOMS = { "+": 0.8, "=": 0.8, "-": 1.25 };

export class Gestures {
  constructor(canvas, signal, map) {
    Object.assign(this, { canvas, map });
    const on = (type, act, options = {}) => canvas.addEventListener(type, act, { signal, ...options });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", () => (this.from = null));
    on("pointerleave", () => map.hover(null));
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("dblclick", () => this.doubleClick());
    on("keydown", (event) => this.key(event));
    on("keyup", (event) => event.key in ARROWS && map.commitPin());
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /** CSS pixels from the plot's corner. */
  place(event) {
    return [event.offsetX - MARGIN.left, event.offsetY - MARGIN.top];
  }

  press(event) {
    if (event.button !== 0) return;
    this.from = this.last = this.place(event);
    this.dragging = false;
    this.canvas.setPointerCapture(event.pointerId);
  }

  move(event) {
    const [left, top] = this.place(event);
    if (this.from) this.drag(left, top);
    const { plotSide } = this.map;
    const inside = Math.min(left, top) >= 0 && Math.max(left, top) <= plotSide;
    if (inside && !this.dragging) this.map.hover(left, top);
    else this.map.hover(null);
  }

  drag(left, top) {
    const moved = Math.hypot(left - this.from[0], top - this.from[1]);
    this.dragging ||= moved > CLICK_REACH;
    if (!this.dragging) return;
    this.map.pan(left - this.last[0], top - this.last[1]);
    this.last = [left, top];
  }

  release(event) {
    if (this.from && !this.dragging) this.click(...this.place(event));
    this.from = null;
    this.dragging = false;
  }

  /** Shown at once, told to Python only when no second click makes it a reset. */
  click(left, top) {
    clearTimeout(this.timer);
    if (!this.waiting) this.before = this.map.pin;
    this.waiting = true;
    this.map.pinAt(left, top);
    this.timer = setTimeout(() => {
      this.waiting = false;
      this.map.commitPin();
    }, DOUBLE_CLICK);
  }

  doubleClick() {
    clearTimeout(this.timer);
    this.waiting = false;
    this.map.pin = this.before;
    this.map.reset();
  }

  wheel(event) {
    event.preventDefault();
    this.map.zoom(Math.exp(event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...this.place(event));
  }

  key(event) {
    const { map } = this;
    if (event.key in ARROWS) map.movePin(...ARROWS[event.key]);
    else if (event.key in ZOOMS) map.zoom(ZOOMS[event.key], map.plotSide / 2, map.plotSide / 2);
    else if (event.key === "0") map.reset();
    else return;
    event.preventDefault();
  }
}
