// The adapter between Streamlit and the instruments, which know nothing of Streamlit. A page gets
// this file, with all that it imports, once: as the component `latent_host` in its sidebar.

import { mountBeta } from "../beta/beta.js";
import { mountDecode } from "../decode/decode.js";
import { mountDraw } from "../draw/draw.js";
import { mountMap } from "../map/map.js";
import { mountAsset } from "../transport/asset_registry.js";
import { mountServerPort } from "../transport/server_networks.js";
import { closeSidebarOverPage, keepOneStepPerPage } from "./navigation.js";

/** @import { Emit, Mounted } from "../ui/instrument.js" */
/** @import { Call } from "./globals.d.ts" */

/** @typedef {(root: ShadowRoot, data: any, emit: Emit) => Mounted<any>} Mount */
/** @typedef {{ sheets: Record<string, string>, order: Record<string, string[]> }} Styles */
/** @typedef {{ setStateValue: Call["setStateValue"], call: Call, mounted: Mounted<any> }} Held */

const ELEMENT = '[data-testid="stElementContainer"]';

/** @type {Record<string, Mount>} */
const MOUNTS = {
  latent_decode: mountDecode,
  latent_map: mountMap,
  latent_beta: mountBeta,
  latent_draw: mountDraw,
  latent_asset: hidden(mountAsset, elementBoxes),
  latent_served: hidden(mountServerPort, fragmentBoxes),
};

/** @type {WeakMap<ShadowRoot, Held>} */
const HELD = new WeakMap();
/**
 * Style sheets by path.
 *
 * @type {Map<string, CSSStyleSheet>}
 */
const SHEETS = new Map();
/**
 * Paths of the style sheets by component.
 *
 * @type {Map<string, string[]>}
 */
const ORDER = new Map();
/** @type {(() => void)[]} */
const TURNS = [];

/**
 * Takes the style sheets of the instruments, opens the mailbox, and delivers the calls in it.
 *
 * @param {{ data: Styles, parentElement: ShadowRoot }} call
 */
export default function ({ data, parentElement }) {
  const ending = new AbortController();
  for (const [path, css] of Object.entries(data.sheets)) sheetOf(path).replaceSync(css);
  for (const [name, paths] of Object.entries(data.order)) ORDER.set(name, paths);
  const early = globalThis.latentCalls;
  globalThis.latentCalls = { push: deliver };
  if (Array.isArray(early)) early.forEach(deliver);
  for (const box of elementBoxes(parentElement)) box.style.display = "none";
  keepOneStepPerPage();
  closeSidebarOverPage(parentElement, ending.signal);
  return () => ending.abort();
}

/** @param {string} path */
function sheetOf(path) {
  const sheet = SHEETS.get(path) ?? new CSSStyleSheet();
  SHEETS.set(path, sheet);
  return sheet;
}

/**
 * Mounts a component at its first call, and updates it at the next ones.
 *
 * @param {Call} call
 */
function deliver(call) {
  if (call.isOver) return;
  const { data, parentElement, setStateValue } = call;
  let held = HELD.get(parentElement);
  if (held) {
    held.setStateValue = setStateValue;
    held.mounted.update(data);
  } else {
    held = mount(call);
    HELD.set(parentElement, held);
  }
  const current = held;
  current.call = call;
  call.end = () => {
    // Streamlit also ends a call that a newer one has overtaken.
    if (current.call !== call || HELD.get(parentElement) !== current) return;
    current.mounted.destroy();
    HELD.delete(parentElement);
  };
}

/**
 * @param {Call} call
 * @returns {Held}
 */
function mount(call) {
  const { name, data, parentElement, setStateValue } = call;
  parentElement.adoptedStyleSheets = (ORDER.get(name) ?? []).map(sheetOf);
  /** @type {Pick<Held, "setStateValue">} */
  const held = { setStateValue };
  /** @type {Emit} */
  const emit = (state, value) => inTurn(() => held.setStateValue(state, value));
  const mounted = MOUNTS[name](parentElement, data, emit);
  return Object.assign(held, { call, mounted });
}

/**
 * Acts in a task of its own. Streamlit gathers all values that are set within one task, and reruns
 * a single fragment for them.
 *
 * @param {() => void} act
 */
function inTurn(act) {
  if (TURNS.push(act) === 1) takeTurn();
}

function takeTurn() {
  try {
    TURNS[0]();
  } finally {
    setTimeout(() => {
      TURNS.shift();
      if (TURNS.length > 0) takeTurn();
    });
  }
}

/**
 * Returns a mount that takes its empty element out of the page, where it would leave a gap.
 *
 * @param {(data: any, emit: Emit) => Mounted<any>} mountData
 * @param {(root: ShadowRoot) => HTMLElement[]} boxesOf
 * @returns {Mount}
 */
function hidden(mountData, boxesOf) {
  return (root, data, emit) => {
    const boxes = boxesOf(root);
    const hide = () => {
      for (const box of boxes) box.style.display = "none";
    };
    const mounted = mountData(data, emit);
    hide();
    return {
      update(next) {
        mounted.update(next);
        hide();
      },
      destroy() {
        mounted.destroy();
        for (const box of boxes) box.style.display = "";
      },
    };
  };
}

/** @param {ShadowRoot} root */
function elementBoxes(root) {
  const box = root.host.closest(ELEMENT);
  return box instanceof HTMLElement ? [box] : [];
}

/**
 * A fragment has a box of its own around its elements.
 *
 * @param {ShadowRoot} root
 */
function fragmentBoxes(root) {
  const boxes = elementBoxes(root);
  const wrapper = boxes[0]?.parentElement?.parentElement;
  return wrapper?.dataset.testid === "stLayoutWrapper" ? [...boxes, wrapper] : boxes;
}
