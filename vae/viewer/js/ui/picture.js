// Pixel means to canvases: grey or RGB, at whole multiples of the screen's own pixels.

/** An image of (c, h, w) as ImageData that can be painted again and again. */
export class Raster {
  constructor([channels, height, width]) {
    this.area = height * width;
    this.colour = channels === 3;
    this.image = new ImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  /** Fill from pixel means (c, h, w) in [0, 1]. */
  fill(pixels) {
    const { words, area } = this;
    const green = this.colour ? area : 0;
    for (let p = 0; p < area; p++) {
      const r = byte(pixels[p]);
      const g = byte(pixels[p + green]);
      const b = byte(pixels[p + 2 * green]);
      words[p] = (255 << 24) | (b << 16) | (g << 8) | r;
    }
    return this.image;
  }
}

const byte = (mean) => (Math.max(0, Math.min(1, mean)) * 255 + 0.5) | 0;

/** Draws decoded images into larger pictures, `multiple` device pixels for each of theirs. */
export class Stamp {
  constructor(shape) {
    this.raster = new Raster(shape);
    this.height = shape[1];
    this.width = shape[2];
    this.canvas = element("canvas", { width: this.width, height: this.height });
    this.context = this.canvas.getContext("2d");
  }

  draw(context, pixels, left, top, multiple) {
    this.context.putImageData(this.raster.fill(pixels), 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, left, top, multiple * this.width, multiple * this.height);
  }
}

/** The largest whole multiple of an image's pixels that fits into `box` CSS pixels. */
export function wholeMultiple(box, [, height, width]) {
  return Math.max(1, Math.floor((box * devicePixelRatio) / Math.max(height, width)));
}

/** A canvas in a square box of fixed size that shows one decoded image. */
export class Picture {
  constructor(box, attributes = {}) {
    this.draws = 0;
    this.canvas = element("canvas", { role: "img", "data-draws": "0", ...attributes });
    this.root = element("div", { class: "screen" }, this.canvas);
    this.shape = [1, 1, 1];
    this.fit(box);
  }

  /** Take on the size of a box. */
  fit(box) {
    this.box = box;
    this.root.style.width = this.root.style.height = `${box}px`;
    this.resize();
  }

  /** Take on an image shape (c, h, w). */
  adopt(shape) {
    this.shape = shape;
    this.raster = new Raster(shape);
    this.canvas.height = shape[1];
    this.canvas.width = shape[2];
    this.context = this.canvas.getContext("2d");
    this.resize();
  }

  resize() {
    const [, height, width] = this.shape;
    const multiple = wholeMultiple(this.box, this.shape) / devicePixelRatio;
    this.canvas.style.width = `${width * multiple}px`;
    this.canvas.style.height = `${height * multiple}px`;
  }

  draw(pixels) {
    this.context.putImageData(this.raster.fill(pixels), 0, 0);
    this.canvas.dataset.draws = ++this.draws;
  }
}

/** Call `act` whenever the window moves to a screen of another pixel ratio, or is zoomed. */
export function onPixelRatio(signal, act) {
  const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const change = () => {
    if (signal.aborted) return;
    act();
    onPixelRatio(signal, act);
  };
  query.addEventListener("change", change, { once: true, signal });
}
