// The pad: a person draws on it with a mouse, a pen or a finger.

/** Points nearer to each other than this are one. */
const NEAREST = 30;
/** As many points fill a pad several times over; they also bound what is sent. */
const MOST_POINTS = 4000;

export class Pad {
  constructor({ pen, invitation }, strokes) {
    Object.assign(this, { pen, invitation, strokes, version: 0, reported: 0 });
    this.canvas = element("canvas", { role: "img", "data-testid": "live-pad", "data-strokes": "0" });
    this.canvas.setAttribute("aria-label", "drawing pad: draw with a mouse, a pen or a finger");
    this.words = element("span", { class: "invitation", role: "status" });
    this.root = element("div", { class: "pad" }, this.canvas, this.words);
  }

  /** A pad outlives the instrument around it, which may be rebuilt in the middle of a stroke. */
  listen(signal, { changed, released }) {
    Object.assign(this, { changed, released });
    const act = (type, listen, target = window) => {
      target.addEventListener(type, listen, { signal });
    };
    act("pointerdown", (event) => this.press(event), this.canvas);
    act("pointermove", (event) => this.move(event));
    act("pointerup", (event) => this.lift(event));
    act("pointercancel", (event) => this.lift(event));
    this.buttons = [
      button("Undo", signal, () => this.replace(this.strokes.slice(0, -1))),
      button("Clear", signal, () => this.replace([])),
    ];
    this.draw();
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get isFull() {
    return this.strokes.reduce((sum, { length }) => sum + length / 2, 0) >= MOST_POINTS;
  }

  /** Whether the pen is on the pad. */
  get isDown() {
    return this.pointer !== undefined;
  }

  fit(side) {
    this.side = side;
    this.canvas.style.width = this.canvas.style.height = `${side}px`;
    this.canvas.width = this.canvas.height = Math.round(side * devicePixelRatio);
    this.draw();
  }

  press(event) {
    if (event.button !== 0 || this.isDown || this.isFull) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.strokes = [...this.strokes, []];
    this.extend(event);
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    // The button was let go where no event of it reached the page.
    if (event.buttons === 0) return this.lift(event);
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length > 0 ? events : [event]) this.extend(each);
  }

  lift(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = undefined;
    this.released();
  }

  extend({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const along = (from, start, length) => {
      const units = Math.round((PAD_UNITS * (from - start)) / length);
      return Math.max(0, Math.min(PAD_UNITS, units));
    };
    const stroke = this.strokes.at(-1);
    const point = [along(clientX, box.left, box.width), along(clientY, box.top, box.height)];
    const [x, y] = stroke.slice(-2);
    const isNew = stroke.length === 0 || Math.hypot(point[0] - x, point[1] - y) >= NEAREST;
    if (!isNew || this.isFull) return;
    stroke.push(...point);
    this.change();
  }

  replace(strokes) {
    this.strokes = strokes;
    this.change();
    this.released();
  }

  change() {
    this.version++;
    this.draw();
    this.changed();
  }

  draw() {
    if (!this.side) return;
    const context = this.canvas.getContext("2d");
    const scale = this.canvas.width / PAD_UNITS;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.width);
    context.strokeStyle = "#fff";
    context.lineWidth = this.pen * this.canvas.width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) drawStroke(context, stroke, scale);
    this.words.textContent = this.isEmpty ? this.invitation : this.isFull ? "The pad is full" : "";
    for (const each of this.buttons ?? []) each.disabled = this.isEmpty;
    this.canvas.dataset.strokes = this.strokes.length;
  }
}

function drawStroke(context, stroke, scale) {
  context.beginPath();
  context.moveTo(stroke[0] * scale, stroke[1] * scale);
  for (let i = 0; i < stroke.length; i += 2) context.lineTo(stroke[i] * scale, stroke[i + 1] * scale);
  context.stroke();
}
