// One decoded image that follows the controls.

import { openDecoder, whenAsset } from "../transport/asset_registry.js";
import { element } from "../ui/elements.js";
import { Picture } from "../ui/picture.js";
import { FramePrefetch } from "./frame_prefetch.js";

/** @import { DecoderBlob, Numbers, PanelSpec } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { Slot } from "../transport/request_channel.js" */
/** @import { Path, Walk } from "./controls.js" */

/**
 * One decoded image. `order` says which latent index each slider moves in this model, `signs` in
 * which direction, and `base` is the code from which it moves.
 */
export class Panel {
  /**
   * @param {PanelSpec} spec
   * @param {number} size Side of the picture in CSS pixels.
   * @param {number} position Among the panels, from 0.
   * @param {object} host
   * @param {AbortSignal} host.signal
   * @param {(decoder: AnyDecoder) => void} host.ready
   * @param {(asked?: number) => void} host.answered
   */
  constructor({ asset, caption, order, signs, base }, size, position, { signal, ready, answered }) {
    this.order = order;
    this.signs = signs;
    this.base = base;
    this.signal = signal;
    /** @type {Slot} */
    this.slot = { signal };
    this.answered = answered;
    /** @type {AnyDecoder | undefined} */
    this.decoder = undefined;
    /** @type {FramePrefetch | undefined} */
    this.prefetch = undefined;
    this.code = new Float64Array(0);
    this.codes = [this.code];
    const label = `decoded image${caption ? `, ${caption}` : ""}`;
    const testid = position === 0 ? "live-decoded" : `live-decoded-${position}`;
    this.picture = new Picture(size, { "aria-label": label, "data-testid": testid });
    this.root = element("figure", {}, this.picture.root);
    if (caption) this.root.append(element("figcaption", { text: caption }));
    /** @param {DecoderBlob} blob */
    const open = (blob) => this.adopt(openDecoder(blob), ready);
    whenAsset(asset, signal, open);
  }

  /**
   * @param {AnyDecoder} decoder
   * @param {(decoder: AnyDecoder) => void} ready
   */
  adopt(decoder, ready) {
    this.decoder = decoder;
    this.code = new Float64Array(decoder.latent);
    this.codes = [this.code];
    this.picture.adopt(decoder.shape);
    ready(decoder);
  }

  /**
   * Draws the value of the controls, now or when the server has answered.
   *
   * @param {Numbers} value
   */
  paint(value) {
    if (!this.decoder) return;
    this.prefetch?.stop();
    this.fill(value);
    this.decoder.ask(this.slot, this.codes, this.draw);
  }

  /**
   * Draws the value of controls that move by themselves.
   *
   * @param {Numbers} value
   * @param {Path | Walk} control
   * @param {Float64Array} scratch
   */
  play(value, control, scratch) {
    if (!this.decoder?.isServed) return this.paint(value);
    /** @param {Float32Array} pixels */
    const draw = (pixels) => this.picture.draw(pixels);
    const acts = { draw, answered: this.answered };
    this.prefetch ??= new FramePrefetch(this.decoder, this.signal, acts);
    this.slot.key = undefined;
    this.prefetch.show(control.clock.seconds, (moment) => {
      control.writeMoment(moment, scratch);
      return this.codeOf(scratch);
    });
  }

  /**
   * Returns this model's code for a value of the controls. The next call overwrites it.
   *
   * @param {Numbers} value
   */
  codeOf(value) {
    this.fill(value);
    return this.code;
  }

  /** @param {Numbers} value */
  fill(value) {
    const { code, order, signs, base } = this;
    for (let i = 0; i < code.length; i++) code[i] = base?.[i] ?? 0;
    const count = Math.min((order ?? value).length, value.length);
    for (let i = 0; i < count; i++) code[order ? order[i] : i] += (signs?.[i] ?? 1) * value[i];
  }

  /**
   * @param {Float32Array} pixels
   * @param {number} _
   * @param {number} [asked]
   */
  draw = (pixels, _, asked) => {
    this.picture.draw(pixels);
    this.answered(asked);
  };
}
