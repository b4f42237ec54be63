// The test images, as one sheet that the browser decompresses beside the page's own work.

import { whenAsset } from "./asset_registry.js";

/** @import { ImageSheetBlob, ImageSheetHeader } from "../specs.d.ts" */

/** @type {WeakMap<ImageSheetBlob, Promise<ImageSheet>>} */
const SHEETS = new WeakMap();

/**
 * Calls `use` with the sheet of a mounted blob, once it is decompressed.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @param {(sheet: ImageSheet) => void} use
 */
export function whenSheet(id, signal, use) {
  /** @param {ImageSheetBlob} blob */
  const open = async (blob) => {
    const opening = SHEETS.get(blob) ?? openSheet(blob);
    SHEETS.set(blob, opening);
    const sheet = await opening;
    if (!signal.aborted) use(sheet);
  };
  whenAsset(id, signal, open);
}

/** @param {ImageSheetBlob} blob */
async function openSheet({ header, arrays }) {
  const file = new Blob([arrays.file], { type: header.mime });
  return new ImageSheet(header, await createImageBitmap(file));
}

/** Images in a grid without gaps: image i is in row i // columns and column i % columns. */
export class ImageSheet {
  /**
   * @param {ImageSheetHeader} header
   * @param {ImageBitmap} bitmap
   */
  constructor({ columns, image_shape: shape }, bitmap) {
    this.columns = columns;
    this.shape = shape;
    this.bitmap = bitmap;
  }

  /**
   * Draws image i over the whole of a canvas that has the image's size.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {number} i
   */
  draw(context, i) {
    const [, height, width] = this.shape;
    const left = (i % this.columns) * width;
    const top = Math.floor(i / this.columns) * height;
    context.drawImage(this.bitmap, left, top, width, height, 0, 0, width, height);
  }
}
