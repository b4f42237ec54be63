// The invisible component: it takes one blob and makes it known to the page.

class Asset {
  constructor(parent, bytes, send) {
    this.asset = unpack(bytes);
    const { header } = this.asset;
    const drawAnew = () => send("anew", Date.now());
    if (header.kind === "served") this.asset.served = openServed(header, drawAnew);
    holdAsset(this.asset, this);
    this.box = hideElement(parent);
  }

  receive() {}

  /** Pictures stay: Python sends them to a page but once. */
  destroy() {
    const { id, kind } = this.asset.header;
    if (kind !== "pictures") releaseAsset(id, this);
    if (this.box) this.box.style.display = "";
  }
}

export default mountable(
  (bytes) => bytes,
  (parent, bytes, send) => new Asset(parent, bytes, send),
);
