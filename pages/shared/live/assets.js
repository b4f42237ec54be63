// The invisible component: it takes one blob and makes it known to the page.

class Asset {
  constructor(parent, bytes) {
    this.asset = unpack(bytes);
    holdAsset(this.asset, this);
    // An empty element would still leave a gap between its neighbours.
    this.container = parent.host?.closest('[data-testid="stElementContainer"]');
    if (this.container) this.container.style.display = "none";
  }

  receive() {}

  destroy() {
    releaseAsset(this.asset.header.id, this);
    if (this.container) this.container.style.display = "";
  }
}

export default mountable(
  (bytes) => bytes,
  (parent, bytes) => new Asset(parent, bytes),
);
