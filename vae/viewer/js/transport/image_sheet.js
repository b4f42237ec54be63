// The test images themselves, as one sheet that the browser unpacks beside the page's own work.

const SHEETS = (globalThis.latentSheets ??= new WeakMap());

/** Call `use` with the sheet of a mounted blob, once it is unpacked. */
export function whenSheet(id, signal, use) {
  whenAsset(id, signal, async (asset) => {
    if (!SHEETS.has(asset)) SHEETS.set(asset, unpackSheet(asset));
    const sheet = await SHEETS.get(asset);
    if (!signal.aborted) use(sheet);
  });
}

async function unpackSheet({ header, arrays }) {
  const file = new Blob([arrays.file], { type: header.mime });
  return new Sheet(header, await createImageBitmap(file));
}

class Sheet {
  constructor({ columns, count, image_shape: shape }, bitmap) {
    Object.assign(this, { columns, count, shape, bitmap });
  }

  /** Draw image i over the whole of a canvas that has its size. */
  draw(context, i) {
    const [, height, width] = this.shape;
    const left = (i % this.columns) * width;
    const top = Math.floor(i / this.columns) * height;
    context.drawImage(this.bitmap, left, top, width, height, 0, 0, width, height);
  }
}
