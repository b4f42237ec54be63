// From a drawing to its code, in the browser.

/** What runs a mounted encoder, in this page or on the server: both are asked alike. */
export function openEncoder(asset) {
  return asset.served ?? new Encoder(asset);
}

/** From images to the means of their codes and, where those are Gaussian, their log-variances. */
export class Encoder extends Network {
  constructor(asset) {
    const { image_shape: shape, logvar_limit: limit } = asset.header;
    super(asset, shape.reduce((product, length) => product * length, 1));
    this.limit = limit;
  }

  /** `use(numbers, i)` with the means and the log-variances of each image of bytes, at once. */
  ask(slot, images, use) {
    for (let i = 0; i < images.length; i++) use(this.encode(images[i]), i);
  }

  /** Of one image (c, h, w) of bytes; the same Float32Array every time. */
  encode(bytes) {
    const { input, limit, latent } = this;
    for (let p = 0; p < input.length; p++) input[p] = bytes[p] / 255;
    const numbers = this.run();
    for (let d = latent; d < numbers.length; d++) {
      numbers[d] = Math.max(-limit, Math.min(limit, numbers[d]));
    }
    return numbers;
  }
}
