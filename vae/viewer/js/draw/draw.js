// A button that opens a large pad over the page. Python hears of a drawing when the pen is lifted.

import { button, element } from "../ui/elements.js";
import { Frame } from "../ui/frame.js";
import { mountInstrument, place } from "../ui/instrument.js";
import { onPixelRatio, onResize } from "../ui/layout.js";
import { DrawingPad } from "./drawing_pad.js";
import { InputPreview } from "./input_preview.js";

/** @import { DrawData } from "../specs.d.ts" */
/** @import { Emit } from "../ui/instrument.js" */

const PREVIEW = 112;
const EDGE = 16;
/** Pixels of the parts beside the pad, or below it where the window is narrow. */
const BESIDE = 160;
const BELOW = 220;
const NARROW = 560;
const LEAST_PAD = 96;

class LiveDraw {
  /**
   * @param {ParentNode} root
   * @param {DrawData} data
   * @param {Emit} emit
   * @param {LiveDraw} [before]
   */
  constructor(root, { spec, strokes, known }, emit, before) {
    this.spec = spec;
    this.emit = emit;
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.pad = before?.pad ?? new DrawingPad(spec.ink, strokes);
    this.preview = new InputPreview(spec);
    this.preview.fit(PREVIEW);
    this.frame = new Frame(() => this.preview.show(this.pad.strokes));
    this.pad.listen(signal, {
      changed: () => this.frame.request(),
      released: () => this.report(),
    });
    this.dialog = this.makeDialog(signal);
    const open = button("Draw", signal, () => this.open(), { "aria-haspopup": "dialog" });
    this.root = element("div", { class: "live draw" }, open, this.dialog);
    place(root, this.root);
    this.frame.request();
    onResize(this.root, signal, () => this.arrange());
    onPixelRatio(signal, () => this.arrange());
    // The drawing was made for a model of another image size.
    if (!known && !this.pad.isEmpty) this.report();
  }

  /** @param {AbortSignal} signal */
  makeDialog(signal) {
    const done = button("Done", signal, () => dialog.close(), { autofocus: "" });
    const buttons = element("div", { class: "pad-buttons" }, ...this.pad.buttons, done);
    const side = element("div", { class: "beside" }, this.preview.root, buttons);
    const body = element("div", { class: "sheet" }, this.pad.root, side);
    const dialog = element("dialog", { "aria-label": "drawing pad" }, body);
    /**
     * A press beside the sheet closes it. A stroke that ends there does not.
     *
     * @param {Event} event
     */
    const leave = ({ target }) => target === dialog && dialog.close();
    dialog.addEventListener("pointerdown", leave, { signal });
    return dialog;
  }

  open() {
    this.dialog.showModal();
    this.arrange();
  }

  /** Makes the pad as large as the window allows, below its button, or in the middle of a phone. */
  arrange() {
    const isNarrow = innerWidth < NARROW;
    const taken = isNarrow ? [0, BELOW] : [BESIDE, 0];
    const [wide, high] = [innerWidth - taken[0] - 4 * EDGE, innerHeight - taken[1] - 4 * EDGE];
    this.pad.fit(Math.max(LEAST_PAD, Math.min(this.spec.size, wide, high)));
    this.root.classList.toggle("narrow", isNarrow);
    const { style, offsetWidth, offsetHeight } = this.dialog;
    const box = this.root.getBoundingClientRect();
    const left = box.left + box.right < innerWidth ? box.left : box.right - offsetWidth;
    /** @type {(start: number, length: number, whole: number) => number} */
    const within = (start, length, whole) => Math.max(EDGE, Math.min(start, whole - length - EDGE));
    style.margin = isNarrow ? "auto" : "0";
    style.left = isNarrow ? "0" : `${within(left, offsetWidth, innerWidth)}px`;
    style.top = isNarrow ? "0" : `${within(box.bottom + EDGE / 2, offsetHeight, innerHeight)}px`;
  }

  receive() {}

  report() {
    const { pad } = this;
    if (pad.isDown) return;
    const image = this.preview.show(pad.strokes);
    this.emit("drawn", { strokes: pad.strokes, pixels: Array.from(image ?? []) });
  }

  destroy() {
    this.ending.abort();
    this.frame.cancel();
    this.root.remove();
  }
}

/**
 * Mounts the button with its pad.
 *
 * It emits `drawn` ({strokes, pixels}).
 *
 * @param {ParentNode} root
 * @param {DrawData} data
 * @param {Emit} emit
 */
export const mountDraw = (root, data, emit) => mountInstrument(LiveDraw, root, data, emit);
