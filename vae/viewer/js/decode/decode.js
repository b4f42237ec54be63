// Decoded images with the sliders, the path or the walk that moves them.

import { Codes } from "../map/codes.js";
import { Minimap } from "../map/minimap.js";
import { Surroundings } from "../map/surroundings.js";
import { whenAsset } from "../transport/asset_registry.js";
import { element } from "../ui/elements.js";
import { Frame } from "../ui/frame.js";
import { mountInstrument, place } from "../ui/instrument.js";
import { onPixelRatio, onResize, pictureSide } from "../ui/layout.js";
import { NormMeter } from "../ui/meters.js";
import { ServerValue } from "../ui/server_value.js";
import { Stopwatch } from "../ui/stopwatch.js";
import { Blend } from "./blend.js";
import { Path, Sliders, Walk } from "./controls.js";
import { Panel } from "./panel.js";
import { TraversalStrips } from "./traversal_strips.js";

/** @import { CodesBlob, DecodeData, DecodeSpec, PanelSpec, SurroundingsSpec } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { Emit } from "../ui/instrument.js" */

const MINIMAP = 132;
const THUMBNAIL = 56;
const NARROW = 640;

class LiveDecode {
  /**
   * @param {ParentNode} root
   * @param {DecodeData} data
   * @param {Emit} emit
   * @param {LiveDecode} [before]
   */
  constructor(root, { spec, value }, emit, before) {
    this.emit = emit;
    this.spec = spec;
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.serverValue = before?.serverValue ?? new ServerValue();
    this.frame = new Frame(() => this.paint());
    this.code = new Float64Array(spec.latent);
    this.scratch = new Float64Array(spec.latent);
    this.control = this.makeControl(startingValue(spec, value, before, this.serverValue));
    this.time = element("span", { class: "quiet time" });
    this.stopwatch = spec.control.kind === "walk" ? undefined : new Stopwatch(this.time);
    /** @type {Minimap | undefined} */
    this.minimap = undefined;
    /** @type {Surroundings | undefined} */
    this.surroundings = undefined;
    /** @type {NormMeter | undefined} */
    this.meter = undefined;
    if (spec.surroundings) this.lookAround(spec.surroundings);
    this.panels = spec.panels.map((panel, i) => this.makePanel(panel, i));
    const hasStrips = this.control instanceof Sliders && this.panels.length === 1;
    this.strips = hasStrips
      ? new TraversalStrips(/** @type {Sliders} */ (this.control), this.panels[0], signal)
      : undefined;
    this.blend = spec.blend && new Blend(spec.blend, spec.size);
    this.root = this.layout();
    place(root, this.root);
    onResize(this.root, signal, () => this.resize());
    onPixelRatio(signal, () => this.resize());
    this.frame.request();
  }

  /** Makes the pictures as large as the window allows. */
  resize() {
    const { size, control } = this.spec;
    const side = pictureSide(this.root, size, this.columns());
    this.root.style.setProperty("--size", `${side}px`);
    for (const { picture } of this.panels) picture.fit(side);
    this.blend?.picture.fit(side);
    this.minimap?.fit(control.kind === "path" ? side : Math.round((MINIMAP * side) / size));
    this.surroundings?.fit(Math.round((THUMBNAIL * side) / size));
    this.strips?.arrange();
    this.frame.request();
  }

  /** Returns the number of pictures, or parts as wide as one, that share the width. */
  columns() {
    const { kind } = this.spec.control;
    if (kind === "path") return 1 + Number(Boolean(this.blend)) + Number(Boolean(this.minimap));
    if (kind === "walk" || this.panels.length > 1) return this.panels.length;
    return this.root.clientWidth < NARROW ? 1.3 : 2.5;
  }

  /**
   * Adds a small map of the codes and, for sliders, the nearest test images.
   *
   * @param {SurroundingsSpec} spec
   */
  lookAround({ codes, pictures, plane, colors }) {
    const { signal } = this.ending;
    const sheet = this.spec.control.kind === "path" ? null : pictures;
    const minimap = new Minimap({ plane, colors }, MINIMAP);
    const surroundings = new Surroundings(THUMBNAIL, sheet, signal);
    this.minimap = minimap;
    this.surroundings = surroundings;
    /** @param {CodesBlob} blob */
    const adopt = (blob) => {
      const found = new Codes(blob, plane);
      minimap.adoptCodes(found);
      surroundings.adoptCodes(found);
      this.frame.request();
    };
    whenAsset(codes, signal, adopt);
  }

  /** @param {Float64Array} value */
  makeControl(value) {
    const { control } = this.spec;
    const { signal } = this.ending;
    const acts = { moved: () => this.frame.stayAwake(), released: () => this.release() };
    if (control.kind === "walk") return new Walk(control, signal, acts);
    if (control.kind === "path") return new Path(control, value, signal, acts);
    return new Sliders(control, value, signal, acts);
  }

  /**
   * @param {PanelSpec} panel
   * @param {number} position
   */
  makePanel(panel, position) {
    /** @param {AnyDecoder} decoder */
    const ready = (decoder) => {
      this.stopwatch?.follow(decoder);
      if (this.spec.control.kind === "sliders") this.surroundings?.adoptDecoder(decoder);
      this.frame.request();
    };
    /** @param {number} [asked] */
    const answered = (asked) => this.stopwatch?.addAnswer(asked);
    const host = { signal: this.ending.signal, ready, answered };
    return new Panel(panel, this.spec.size, position, host);
  }

  layout() {
    const { control, minimap } = this;
    const isWide = this.panels.length > 1;
    const pictures = this.panels.map(({ root }) => root);
    if (this.blend) pictures.push(this.blend.root);
    if (minimap && control instanceof Path) pictures.push(minimap.withCaption("on the map"));
    const stage = element("div", { class: "stage" }, ...pictures);
    const view = element("div", { class: "view" }, stage);
    /** @type {HTMLElement[]} */
    const parts = [view];
    if (control instanceof Walk) {
      stage.addEventListener("click", () => control.toggle(), { signal: this.ending.signal });
    } else {
      view.append(this.makeStatus(isWide));
      parts.push(control.root);
    }
    if (control instanceof Sliders) {
      if (minimap) view.append(this.makeSurroundings(minimap));
      if (isWide) parts.reverse();
    }
    const kind = `live decode ${this.spec.control.kind} ${isWide ? "wide" : "single"}`;
    return element("div", { class: kind }, ...parts);
  }

  /** @param {Minimap} minimap */
  makeSurroundings(minimap) {
    const around = element("div", { class: "around" }, minimap.root);
    this.surroundings?.words.append(this.time);
    if (this.surroundings) around.append(this.surroundings.nearest);
    return around;
  }

  /** @param {boolean} isWide */
  makeStatus(isWide) {
    const status = element("div", { class: "status" });
    if (!isWide && this.spec.surroundings?.plane.has_prior !== false) {
      this.meter = new NormMeter(this.spec.latent);
      status.append(this.meter.root);
    }
    if (this.surroundings) status.append(this.surroundings.meter.root);
    status.append(this.time);
    return status;
  }

  /** @param {DecodeData} data */
  receive({ value }) {
    if (this.control instanceof Walk || !this.serverValue.changed(value)) return;
    this.control.value.set(value);
    this.control.show();
    for (const { prefetch } of this.panels) prefetch?.stop();
    this.frame.request();
  }

  release() {
    const value = this.serverValue.emit(this.control.value);
    if (this.control instanceof Path) this.emit("t", value[0]);
    else this.emit("z", value);
    this.frame.request();
  }

  paint() {
    const { control, code } = this;
    control.writeCode(code);
    const start = performance.now();
    this.paintPanels();
    this.strips?.refresh();
    this.meter?.show(code);
    if (control instanceof Path) this.blend?.paint(control.share);
    this.surroundings?.show(code);
    this.minimap?.show(code, this.root, control instanceof Path ? control.points : undefined);
    if (this.panels.some(({ decoder }) => decoder)) {
      this.stopwatch?.addFrame(performance.now() - start);
    }
  }

  paintPanels() {
    const { control, code } = this;
    for (const panel of this.panels) {
      if (!(control instanceof Sliders) && control.clock.running) {
        panel.play(code, control, this.scratch);
      } else panel.paint(code);
    }
  }

  destroy() {
    this.ending.abort();
    this.control.stop();
    this.strips?.stop();
    this.surroundings?.stop();
    this.frame.cancel();
    this.root.remove();
  }
}

/**
 * Returns Python's value where it is new, else the value before the instrument was rebuilt.
 *
 * @param {DecodeSpec} spec
 * @param {number[] | null | undefined} value
 * @param {LiveDecode | undefined} before
 * @param {ServerValue} serverValue
 */
function startingValue(spec, value, before, serverValue) {
  const length = spec.control.kind === "path" ? 1 : spec.latent;
  const kept = before?.control.value;
  const isNew = serverValue.changed(value);
  const start = !isNew && kept?.length === length ? kept : value;
  return Float64Array.from({ length }, (_, i) => start?.[i] ?? 0);
}

/**
 * Mounts decoded images with their controls.
 *
 * It emits `z` (a code) for sliders and `t` (a number) for a path.
 *
 * @param {ParentNode} root
 * @param {DecodeData} data
 * @param {Emit} emit
 */
export const mountDecode = (root, data, emit) => mountInstrument(LiveDecode, root, data, emit);
