// The page's decoders and codes by id. Every inline module sees the same Map through globalThis.

const ASSETS = (globalThis.latentAssets ??= new Map());
const ARRIVAL = "latent-asset";

/** Keep an unpacked blob for as long as some holder mounts it. */
export function holdAsset(asset, holder) {
  const { id } = asset.header;
  const entry = ASSETS.get(id) ?? { asset, holders: new Set() };
  entry.holders.add(holder);
  ASSETS.set(id, entry);
  window.dispatchEvent(new CustomEvent(ARRIVAL, { detail: id }));
}

export function releaseAsset(id, holder) {
  const entry = ASSETS.get(id);
  entry?.holders.delete(holder);
  if (entry?.holders.size === 0) ASSETS.delete(id);
}

/** Call `use` with the asset, now or as soon as it arrives; `signal` ends the wait. */
export function whenAsset(id, signal, use) {
  const entry = ASSETS.get(id);
  if (entry) return use(entry.asset);
  const listen = (event) => {
    if (event.detail !== id || signal.aborted) return;
    window.removeEventListener(ARRIVAL, listen);
    use(ASSETS.get(id).asset);
  };
  window.addEventListener(ARRIVAL, listen, { signal });
}
