// Parts that all instruments share: values, frames, queues, sizes, colours.

import assert from "node:assert/strict";
import { test } from "node:test";
import { writePoint } from "../../vae/viewer/js/decode/controls.js";
import { FramePrefetch } from "../../vae/viewer/js/decode/frame_prefetch.js";
import { Frame } from "../../vae/viewer/js/ui/frame.js";
import { mountInstrument } from "../../vae/viewer/js/ui/instrument.js";
import { pictureSide, squareSide } from "../../vae/viewer/js/ui/layout.js";
import { normOf, signed } from "../../vae/viewer/js/ui/numbers.js";
import { Raster, wholeMultiple } from "../../vae/viewer/js/ui/picture.js";
import { ServerValue } from "../../vae/viewer/js/ui/server_value.js";
import { rgbOf } from "../../vae/viewer/js/ui/theme.js";
import { WorkQueue } from "../../vae/viewer/js/ui/work_queue.js";
import { fakePage, near } from "./support.mjs";

globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};
globalThis.devicePixelRatio = 2;
globalThis.innerHeight = 720;

test("Python's own change is news, and the echo of what was emitted is none", () => {
  const value = new ServerValue();
  assert.equal(value.changed([1, 2]), true);
  assert.equal(value.changed([1, 2]), false);
  assert.deepEqual(value.emit([0.123456]), [0.1235]);
  value.emit([0.5]);
  assert.equal(value.changed([0.5]), false);
  assert.equal(value.changed([0.1235]), true, "an echo that a later one has overtaken");
  assert.equal(value.changed(null), false);
});

test("numbers keep their sign", () => {
  assert.deepEqual([1.234, -1.2, 0, -0.001].map(signed), ["+1.23", "−1.20", "+0.00", "+0.00"]);
  assert.equal(normOf([3, 4]), 5);
});

test("a colour is read from its hexadecimal digits", () => {
  assert.deepEqual(rgbOf("#0a7fff"), [10, 127, 255]);
});

test("pixel means become opaque bytes, grey or red, green and blue", () => {
  assert.deepEqual([...new Raster([1, 1, 2]).fill([0.5, 2]).data], [128, 128, 128, 255, 255, 255, 255, 255]);
  assert.deepEqual([...new Raster([3, 1, 1]).fill([0, 0.2, -1]).data], [0, 51, 0, 255]);
});

test("a picture is a whole multiple of the screen's pixels", () => {
  assert.equal(wholeMultiple(100, [1, 28, 28]), 7);
  assert.equal(wholeMultiple(5, [1, 28, 28]), 1);
});

test("pictures share the width and grow with the window", () => {
  assert.equal(pictureSide({ clientWidth: 0 }, 320, 2), 320);
  assert.equal(pictureSide({ clientWidth: 1200 }, 320, 2), 320);
  assert.equal(pictureSide({ clientWidth: 400 }, 320, 2), (400 + 16) / 2 - 16);
  assert.equal(squareSide({ clientWidth: 900 }, 320, 200), 520);
});

test("a frame does its work once, with the newest state", () => {
  const page = fakePage();
  let done = 0;
  const frame = new Frame(() => done++);
  frame.request();
  frame.request();
  page.frame();
  assert.equal(done, 1);
  frame.request();
  frame.cancel();
  page.frame();
  assert.equal(done, 1);
});

test("a queue takes its tiles in batches and drops answers from before a restart", () => {
  const page = fakePage();
  const asked = [];
  const decoder = { batch: 2, ask: (_slot, codes, use) => asked.push({ codes, use }) };
  let left = [1, 2, 3];
  const drawn = [];
  const queue = new WorkQueue(decoder, 1000, new AbortController().signal, {
    left: () => left.length,
    take: () => left.shift(),
    codeOf: (tile) => [tile],
    draw: (tile) => drawn.push(tile),
  });
  queue.start();
  page.frame();
  assert.deepEqual(asked.map(({ codes }) => codes.map(([z]) => z)), [[1, 2]]);
  left = [8];
  queue.restart();
  page.frame();
  asked[0].use(null, 0);
  assert.deepEqual(drawn, []);
  asked[1].use(null, 0);
  assert.deepEqual(drawn, [8]);
});

test("a point of a path lies on the straight line between its neighbours", () => {
  const code = new Float64Array(2);
  const points = [[0, 0], [2, 4], [4, 0]];
  for (const [t, expected] of [[0, [0, 0]], [0.25, [1, 2]], [0.75, [3, 2]], [1, [4, 0]]]) {
    writePoint(points, t, code);
    near(code, expected, 1e-12);
  }
});

test("frames are asked for ahead of time and shown when they are due", () => {
  const asks = [];
  const decoder = { limit: 32, ask: (_slot, codes, use) => asks.push({ codes, use }) };
  const shown = [];
  const acts = { draw: ([pixel]) => shown.push(pixel), answered: () => {} };
  const prefetch = new FramePrefetch(decoder, new AbortController().signal, acts);
  prefetch.show(0, (moment) => [moment]);
  assert.ok(asks[0].codes.length > 10);
  near(asks[0].codes[2], [3 / 30], 1e-9);
  asks[0].codes.forEach((_, i) => asks[0].use(Float32Array.of(i), i, performance.now()));
  prefetch.show(0.11, (moment) => [moment]);
  assert.deepEqual(shown, [2], "the newest frame that is due, and no older one");
  prefetch.stop();
  prefetch.show(0.2, (moment) => [moment]);
  assert.deepEqual(shown, [2]);
});

test("a new specification builds an instrument anew, other data does not", () => {
  const built = [];
  class Plain {
    constructor(_root, data, _emit, before) {
      built.push([data.spec.name, before?.name]);
      this.name = data.spec.name;
      this.received = [];
    }
    receive({ value }) {
      this.received.push(value);
      built.push(value);
    }
    destroy() {
      built.push("destroyed");
    }
  }
  const mounted = mountInstrument(Plain, {}, { spec: { name: "a" }, value: 1 }, () => {});
  mounted.update({ spec: { name: "a" }, value: 2 });
  mounted.update({ spec: { name: "b" }, value: 3 });
  mounted.destroy();
  assert.deepEqual(built, [["a", undefined], 1, 2, "destroyed", ["b", "a"], 3, "destroyed"]);
});
