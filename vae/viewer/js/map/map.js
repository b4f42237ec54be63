// The map: codes on a plane, and the decoded image under the pointer.

import { openDecoder, whenAsset } from "../transport/asset_registry.js";
import { contextOf, element } from "../ui/elements.js";
import { Frame } from "../ui/frame.js";
import { mountInstrument, place } from "../ui/instrument.js";
import { onPixelRatio, onResize, squareSide } from "../ui/layout.js";
import { ServerValue } from "../ui/server_value.js";
import { rgbOf, themeOf } from "../ui/theme.js";
import { drawEllipses, drawPrior, ellipseOf, Manifold } from "./backdrops.js";
import { Codes, dotStyle, projectOn, splat } from "./codes.js";
import { DrawPanel } from "./draw_panel.js";
import { Gestures } from "./gestures.js";
import { MapSidebar, PREVIEW } from "./map_sidebar.js";
import { drawDot, drawEllipse, drawPin, drawRing, drawTrail } from "./markers.js";
import { drawAxes, homeView, MARGIN, View } from "./view.js";

/** @import { Backdrop, CodesBlob, DecoderBlob, MapData, Numbers, Stroke, Tool } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { Emit } from "../ui/instrument.js" */
/** @import { Theme } from "../ui/theme.js" */

/** @typedef {{ mean: Float64Array, logvars: Float32Array | null }} Posterior */

const SMALL_PREVIEW = 140;
const SIDE = 320;
const AROUND = 200;
const NARROW = 640;
const PAD = 256;
const LARGE_PAD = 300;
const PAD_GAP = 16;
const BOTTOM = 12;
const SHORT = 320;
const PAIR = 84;
const LARGE_PAIR = 112;
const TRAIL = 60;

export class LiveMap {
  /**
   * @param {ParentNode} root
   * @param {MapData} data
   * @param {Emit} emit
   * @param {LiveMap} [before]
   */
  constructor(root, { spec, value, strokes, tool }, emit, before) {
    this.spec = spec;
    this.emit = emit;
    this.plane = spec.plane;
    /** @type {Backdrop} */
    this.backdrop = before?.backdrop ?? spec.backdrop;
    /** @type {Tool} */
    this.tool = before?.tool ?? tool;
    /** @type {Float64Array[]} The last codes of the drawing. */
    this.trail = before?.trail ?? [];
    this.ending = new AbortController();
    this.serverValue = before?.serverValue ?? new ServerValue();
    this.latent = spec.plane.origin.length;
    this.palette = spec.colors.map(rgbOf);
    this.z = new Float64Array(this.latent);
    this.under = new Float64Array(this.latent);
    /** @type {Float64Array | null} */
    this.pin = this.startingPin(value, before);
    /** @type {[left: number, top: number] | null} */
    this.pointer = null;
    /** @type {Posterior | null} */
    this.drawn = null;
    /** @type {Codes | undefined} */
    this.codes = undefined;
    /** @type {View | undefined} */
    this.view = undefined;
    /** @type {AnyDecoder | undefined} */
    this.decoder = undefined;
    /** @type {Manifold | undefined} */
    this.manifold = undefined;
    this.size = 0;
    this.isStale = true;
    this.frame = new Frame(() => this.paint());
    /** @type {DrawPanel | undefined} */
    this.drawing = undefined;
    if (spec.drawing && "encoder" in spec.drawing) {
      this.drawing = new DrawPanel(spec.drawing, strokes, this, before?.drawing);
    }
    this.sidebar = new MapSidebar(spec, this);
    this.canvas = this.makeCanvas();
    this.context = contextOf(this.canvas);
    this.base = element("canvas");
    this.baseContext = contextOf(this.base, { willReadFrequently: true });
    this.image = new ImageData(1, 1);
    this.root = element("div", { class: "live map" }, this.canvas, this.sidebar.root);
    this.theme = themeOf(this.root);
    place(root, this.root);
    onResize(this.root, this.ending.signal, () => this.resize());
    new Gestures(this.canvas, this.ending.signal, this);
    onPixelRatio(this.ending.signal, () => this.resize());
    this.awaitAssets();
  }

  /**
   * Returns Python's code where it is new, else the pin before the instrument was rebuilt.
   *
   * @param {number[] | null | undefined} value
   * @param {LiveMap} [before]
   * @returns {Float64Array | null}
   */
  startingPin(value, before) {
    const pin = this.serverValue.changed(value) ? Float64Array.from(value) : before?.pin;
    return pin && pin.length === this.latent ? pin : null;
  }

  makeCanvas() {
    const label =
      "map of the codes; arrow keys move the pinned place, plus and minus zoom, 0 resets";
    const attributes = { role: "application", "aria-label": label, tabindex: "0" };
    return element("canvas", { ...attributes, "data-testid": "live-map", "data-draws": "0" });
  }

  get plotSide() {
    return this.size - MARGIN.left - MARGIN.right;
  }

  /** Takes all the space that there is, unless Python gives a size. */
  resize() {
    const isNarrow = this.root.clientWidth < NARROW;
    this.root.classList.toggle("narrow", isNarrow);
    this.root.classList.toggle("with-pad", this.isDrawing);
    this.size = this.spec.size ?? squareSide(this.root, isNarrow ? 0 : SIDE, AROUND);
    this.fitSidebar(isNarrow);
    if (this.view) this.view.side = this.plotSide;
    this.canvas.style.width = this.canvas.style.height = `${this.size}px`;
    this.canvas.width = this.canvas.height = Math.round(this.size * devicePixelRatio);
    this.base.width = this.base.height = Math.round(this.plotSide * devicePixelRatio);
    this.image = new ImageData(this.base.width, this.base.width);
    this.markStale();
  }

  /**
   * Makes the sidebar's pictures as large as the window allows beside its other parts.
   *
   * @param {boolean} isNarrow
   */
  fitSidebar(isNarrow) {
    const isLarge = this.size > 640;
    const preview = isLarge ? 2 * SMALL_PREVIEW : PREVIEW;
    const pad = isNarrow ? this.root.clientWidth - PAIR - PAD_GAP : isLarge ? LARGE_PAD : PAD;
    const pair = isLarge ? LARGE_PAIR : PAIR;
    this.sidebar.fit(preview, pad, pair);
    const { top, height } = this.sidebar.root.getBoundingClientRect();
    const over = Math.max(0, top) + height + BOTTOM - innerHeight;
    if (isNarrow || over <= 0) return;
    /** @param {number} side */
    const smaller = (side) => Math.max(SMALL_PREVIEW, side - over);
    this.sidebar.fit(smaller(preview), smaller(pad), pair);
  }

  awaitAssets() {
    const { signal } = this.ending;
    /** @param {CodesBlob} blob */
    const adoptCodes = (blob) => {
      this.codes = new Codes(blob, this.plane);
      this.view = new View(this.plotSide, homeView(this.codes.x, this.codes.y));
      this.sidebar.showClasses(this.codes);
      this.resize();
    };
    /** @param {DecoderBlob} blob */
    const adoptDecoder = (blob) => {
      const decoder = openDecoder(blob);
      this.decoder = decoder;
      /** @type {(x: number, y: number) => Float64Array} */
      const codeAt = (x, y) => this.codeAt(x, y, this.under);
      this.manifold = new Manifold(decoder, codeAt, () => this.markStale(), signal);
      this.sidebar.adopt(decoder);
      this.markStale();
    };
    whenAsset(this.spec.codes, signal, adoptCodes);
    whenAsset(this.spec.decoder, signal, adoptDecoder);
  }

  /** @param {MapData} data */
  receive({ value }) {
    if (this.serverValue.changed(value)) {
      this.pin = Float64Array.from(value);
      this.pointer = null;
    }
    this.markStale();
  }

  /** The picture behind the markers must be drawn again. */
  markStale() {
    this.isStale = true;
    this.frame.request();
  }

  /**
   * Writes the code of a point of the plane into z and returns z.
   *
   * @param {number} x
   * @param {number} y
   * @param {Float64Array} z
   */
  codeAt(x, y, z) {
    const { origin, basis } = this.plane;
    for (let d = 0; d < z.length; d++) z[d] = origin[d] + x * basis[0][d] + y * basis[1][d];
    return z;
  }

  /** @param {Numbers} z */
  pointOf(z) {
    return projectOn(this.plane, z);
  }

  /**
   * @param {number | null} left
   * @param {number} [top]
   */
  hover(left, top = 0) {
    this.pointer = left === null ? null : [left, top];
    this.frame.stayAwake();
  }

  /**
   * @param {number} right
   * @param {number} down
   */
  pan(right, down) {
    this.view?.pan(right, down);
    this.markStale();
  }

  /**
   * @param {number} factor
   * @param {number} left
   * @param {number} top
   */
  zoom(factor, left, top) {
    this.view?.zoom(factor, left, top);
    this.markStale();
  }

  reset() {
    this.view?.reset();
    this.markStale();
  }

  /** @param {Backdrop} name */
  chooseBackdrop(name) {
    this.backdrop = name;
    this.manifold?.stop();
    this.markStale();
  }

  get isDrawing() {
    return this.tool === "draw" && this.drawing !== undefined;
  }

  /** @param {Tool} name */
  chooseTool(name) {
    this.tool = name;
    this.resize();
    this.emit("tool", name);
  }

  /** @param {number} [asked] */
  addAnswer(asked) {
    this.sidebar.stopwatch.addAnswer(asked);
  }

  /**
   * Shows the drawing's code, or none. A new one, which a hand drew here, is pinned.
   *
   * @param {Float32Array | null} numbers
   * @param {boolean} isNew
   */
  showDrawing(numbers, isNew) {
    this.drawn = numbers && this.posteriorOf(numbers);
    this.trail = this.drawn ? [...this.trail.slice(1 - TRAIL), this.drawn.mean] : [];
    if (this.drawn && isNew) {
      this.pin = this.drawn.mean;
      this.pointer = null;
    }
    this.frame.request();
  }

  /** @param {Float32Array} numbers */
  posteriorOf(numbers) {
    const { latent } = this;
    const logvars = numbers.length > latent ? numbers.slice(latent) : null;
    return { mean: Float64Array.from(numbers.subarray(0, latent)), logvars };
  }

  /** @param {{ strokes: Stroke[], pixels: number[] }} drawing */
  keepDrawing(drawing) {
    const z = this.drawn && this.serverValue.emit(this.drawn.mean);
    this.emit("drawn", { ...drawing, z });
  }

  /**
   * @param {Codes} codes
   * @param {number} index
   */
  toggleClass({ hidden }, index) {
    hidden[index] ^= 1;
    this.markStale();
  }

  /**
   * Shows only this class, or all again where it is alone already.
   *
   * @param {Codes} codes
   * @param {number} index
   */
  isolateClass({ hidden }, index) {
    const isAlone = hidden.every((flag, i) => flag === Number(i !== index));
    hidden.forEach((_, i) => {
      hidden[i] = Number(!isAlone && i !== index);
    });
    this.markStale();
  }

  /**
   * @param {number} left
   * @param {number} top
   */
  pinAt(left, top) {
    if (!this.view) return;
    this.pin = this.codeAt(...this.view.toPlane(left, top), new Float64Array(this.latent));
    this.frame.request();
  }

  /**
   * @param {number} right
   * @param {number} up
   */
  movePin(right, up) {
    if (!this.view) return;
    const [x, y] = this.pin ? this.pointOf(this.pin) : [this.view.x, this.view.y];
    const step = this.view.span / 60;
    this.pin = this.codeAt(x + right * step, y + up * step, new Float64Array(this.latent));
    this.pointer = null;
    this.frame.request();
  }

  commitPin() {
    if (!this.pin || !this.codes) return;
    const index = this.codes.nearest(...this.pointOf(this.pin));
    this.emit("pinned", { z: this.serverValue.emit(this.pin), index });
  }

  paint() {
    this.drawing?.follow();
    const { codes, view, context } = this;
    if (!codes || !view) return this.paintEmpty();
    if (this.isStale) this.paintBase(codes, view);
    this.isStale = false;
    const nearest = this.showPreview(codes, view);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.size, this.size);
    context.drawImage(this.base, MARGIN.left, MARGIN.top, this.plotSide, this.plotSide);
    context.translate(MARGIN.left, MARGIN.top);
    drawAxes(context, view, this.titles, this.theme);
    this.drawMarkers(codes, view, nearest);
    this.canvas.dataset.draws = String(Number(this.canvas.dataset.draws) + 1);
  }

  get titles() {
    const { labels, symbols, has_prior } = this.plane;
    const unit = has_prior ? " (standard deviations of the prior)" : "";
    return (this.plotSide < SHORT ? symbols : labels).map((label) => `${label}${unit}`);
  }

  /** Fills the area of the plot, until there are codes. */
  paintEmpty() {
    const { context } = this;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = themeOf(this.root).empty;
    context.fillRect(MARGIN.left, MARGIN.top, this.plotSide, this.plotSide);
  }

  /**
   * @param {Codes} codes
   * @param {View} view
   */
  paintBase(codes, view) {
    this.theme = themeOf(this.root);
    const { baseContext: context, base, palette, backdrop, theme } = this;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, view.side, view.side);
    const behind = backdrop === "manifold" && this.manifold;
    if (behind) behind.show(context, view, base.width);
    const { radius, opacity } = dotStyle(codes.count, view.home.span / view.span);
    const faint = behind || backdrop === "ellipses" ? 0.6 : 1;
    const image = behind ? context.getImageData(0, 0, base.width, base.height) : this.blankImage();
    splat(image, codes, view, palette, { radius, opacity: opacity * faint });
    context.putImageData(image, 0, 0);
    if (backdrop === "ellipses" && codes.logvars) {
      drawEllipses(context, codes, codes.logvars, view, palette);
    }
    if (backdrop === "prior") drawPrior(context, this.plane, view, theme);
  }

  /** Returns the bare plot, without reading back a megabyte each frame. */
  blankImage() {
    const [bare] = new Uint32Array(this.baseContext.getImageData(0, 0, 1, 1).data.buffer);
    new Uint32Array(this.image.data.buffer).fill(bare);
    return this.image;
  }

  /**
   * Decodes the present code. Returns the index of the nearest code.
   *
   * @param {Codes} codes
   * @param {View} view
   */
  showPreview(codes, view) {
    const drawn = this.isDrawing ? this.drawn : null;
    if (this.pointer) this.codeAt(...view.toPlane(...this.pointer), this.z);
    else this.z.set(drawn?.mean ?? this.pin ?? this.plane.origin);
    const point = this.pointOf(this.z);
    this.sidebar.show(this.z, point, this.describeCode(drawn));
    return codes.nearest(...point);
  }

  /** @param {Posterior | null} drawn */
  describeCode(drawn) {
    if (this.pointer) return "under the pointer";
    if (drawn) return "it decodes to";
    return this.pin ? "pinned" : "centre of the map";
  }

  /**
   * @param {Codes} codes
   * @param {View} view
   * @param {number} nearest
   */
  drawMarkers(codes, view, nearest) {
    const { context, theme } = this;
    context.save();
    context.beginPath();
    context.rect(0, 0, view.side, view.side);
    context.clip();
    if (nearest >= 0 && this.pointer) {
      drawRing(context, view, [codes.x[nearest], codes.y[nearest]], 5, theme.text, 1.5);
    }
    const drawn = this.isDrawing ? this.drawn : null;
    if (this.pin && this.pin !== drawn?.mean) drawPin(context, view, this.pointOf(this.pin), theme);
    if (drawn) this.drawDrawing(view, drawn);
    context.restore();
  }

  /**
   * Marks the drawing's code, the encoder's uncertainty, and the codes of the drawing until now.
   *
   * @param {View} view
   * @param {Posterior} drawn
   */
  drawDrawing(view, { mean, logvars }) {
    const { context, theme, plane } = this;
    const points = this.trail.map((z) => this.pointOf(z));
    drawTrail(context, view, points, theme);
    const point = this.pointOf(mean);
    if (logvars) drawEllipse(context, view, point, ellipseOf(logvars, plane), theme);
    drawDot(context, view, point, theme);
  }

  destroy() {
    this.ending.abort();
    this.frame.cancel();
    this.manifold?.stop();
    this.sidebar.stop();
    this.root.remove();
  }
}

/**
 * Mounts the map.
 *
 * It emits `pinned` ({z, index}), `drawn` ({strokes, pixels, z}) and `tool`.
 *
 * @param {ParentNode} root
 * @param {MapData} data
 * @param {Emit} emit
 */
export const mountMap = (root, data, emit) => mountInstrument(LiveMap, root, data, emit);
