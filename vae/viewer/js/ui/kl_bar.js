// The bar of a latent dimension's KL.

import { element } from "./elements.js";

/** A bar whose `fill` its owner sizes. Its colours stand in kl_bar.css. */
export class KlBar {
  /** @param {string} [title] */
  constructor(title) {
    this.fill = element("b");
    this.root = element("i", title ? { class: "kl", title } : { class: "kl" }, this.fill);
  }
}
