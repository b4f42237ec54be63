// Drawing beside the map: the pad, the image that the model reads from it, and its code.

import { DrawingPad } from "../draw/drawing_pad.js";
import { InputPreview } from "../draw/input_preview.js";
import { openEncoder, whenAsset } from "../transport/asset_registry.js";
import { element } from "../ui/elements.js";

/** @import { DrawingSpec, EncoderBlob, Stroke } from "../specs.d.ts" */
/** @import { AnyEncoder } from "../transport/asset_registry.js" */
/** @import { Slot } from "../transport/request_channel.js" */

/**
 * The map beside the pad.
 *
 * @typedef {object} DrawingHost
 * @property {AbortController} ending
 * @property {{ request: () => void, stayAwake: () => void }} frame
 * @property {(asked?: number) => void} addAnswer Counts an answer of the server.
 * @property {(numbers: Float32Array | null, isNew: boolean) => void} showDrawing Takes the code of
 *   the drawing; `isNew` where it was drawn here.
 * @property {(drawing: { strokes: Stroke[], pixels: number[] }) => void} keepDrawing Takes a
 *   finished drawing.
 */

export class DrawPanel {
  /**
   * @param {DrawingSpec} spec
   * @param {Stroke[]} strokes
   * @param {DrawingHost} map
   * @param {DrawPanel} [before]
   */
  constructor({ ink, shape, encoder }, strokes, map, before) {
    this.map = map;
    const { signal } = map.ending;
    /** @type {Slot} */
    this.slot = { signal };
    this.pad = before?.pad ?? new DrawingPad(ink, strokes);
    const changed = () => map.frame.stayAwake();
    this.pad.listen(signal, { changed, released: () => map.frame.request() });
    this.preview = new InputPreview({ ink, shape });
    this.buttons = element("div", { class: "pad-buttons" }, ...this.pad.buttons);
    /** @type {Uint8Array | null} */
    this.image = null;
    /** @type {number | undefined} The pad's version that is shown. */
    this.seen = undefined;
    /** @type {number | undefined} The pad's version whose code was asked for. */
    this.asked = undefined;
    /** @type {number | undefined} The pad's version whose code is there. */
    this.coded = undefined;
    /** @type {AnyEncoder | undefined} */
    this.encoder = undefined;
    /** @param {EncoderBlob} blob */
    const open = (blob) => {
      this.encoder = openEncoder(blob);
      map.frame.request();
    };
    whenAsset(encoder, signal, open);
  }

  /** Follows the pad. The map calls it before it paints. */
  follow() {
    const { pad, encoder } = this;
    if (pad.version !== this.seen) this.look();
    if (encoder && pad.version !== this.asked) this.ask(encoder);
    this.settle();
  }

  /** @param {AnyEncoder} encoder */
  ask(encoder) {
    const { pad } = this;
    const asked = pad.version;
    this.asked = asked;
    if (pad.isEmpty || !this.image) return this.adopt(null, asked);
    encoder.ask(this.slot, [this.image], (numbers, _, since) => {
      this.map.addAnswer(since);
      if (!pad.isEmpty) this.adopt(numbers, asked);
    });
  }

  look() {
    this.seen = this.pad.version;
    this.image = this.preview.show(this.pad.strokes);
  }

  /**
   * @param {Float32Array | null} numbers
   * @param {number} version
   */
  adopt(numbers, version) {
    this.coded = version;
    if (!numbers) this.slot.key = undefined;
    this.map.showDrawing(numbers, version !== this.pad.reported);
  }

  /** Tells Python of a drawing once the pen is up and its code is there. */
  settle() {
    const { pad } = this;
    if (pad.isDown || this.coded !== pad.version || pad.reported === pad.version) return;
    pad.reported = pad.version;
    const pixels = pad.isEmpty || !this.image ? [] : Array.from(this.image);
    this.map.keepDrawing({ strokes: pad.strokes, pixels });
  }
}
