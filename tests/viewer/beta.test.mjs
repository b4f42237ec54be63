// The curve of a model of many betas is read between the betas of its grid.

import assert from "node:assert/strict";
import { test } from "node:test";
import { betaTicks } from "../../vae/viewer/js/beta/beta_slider.js";
import { CodedImage, RateCurve } from "../../vae/viewer/js/beta/rate_curve.js";
import { tileSide } from "../../vae/viewer/js/beta/traversal_tiles.js";
import { near } from "./support.mjs";

globalThis.devicePixelRatio = 1;

function curve() {
  const arrays = {
    betas: Float32Array.of(0.1, 1, 10),
    distortion: Float32Array.of(70, 80, 100),
    rates: Float32Array.of(1, 5, 0.5, 3, 0, 1),
    active: Uint8Array.of(1, 1, 1, 1, 0, 1),
    points: Float32Array.of(2, 4, 1, 2, 0, 0),
    labels: Int32Array.of(0),
  };
  return new RateCurve({ header: { latent_dim: 2, class_names: [] }, arrays });
}

test("between the grid's betas, numbers lie on straight lines in log beta", () => {
  const found = curve();
  found.moveTo(Math.sqrt(10));
  near([found.distortionNow, found.rateNow, found.rateOf(0), found.rateOf(1)], [90, 2.25, 0.25, 2], 1e-5);
  found.moveTo(1);
  near([found.distortionNow, found.rateNow], [80, 3.5], 1e-6);
});

test("beyond the grid, its end counts", () => {
  const found = curve();
  found.moveTo(1000);
  near([found.distortionNow, found.rateNow], [100, 1], 1e-6);
  found.moveTo(0.001);
  near([found.distortionNow], [70], 1e-6);
});

test("dimensions are active as at the nearest beta of the grid, and ordered by rate", () => {
  const found = curve();
  found.moveTo(2);
  assert.deepEqual([found.isActive(0), found.activeCount], [true, 2]);
  found.moveTo(5);
  assert.deepEqual([found.isActive(0), found.activeCount], [false, 1]);
  assert.deepEqual(found.order, [1, 0]);
});

test("codes move on straight lines", () => {
  const found = curve();
  const [x, y] = [new Float32Array(1), new Float32Array(1)];
  found.moveTo(10 ** -0.5);
  found.writePoints(x, y);
  near([x[0], y[0]], [1.5, 3], 1e-5);
  const means = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer).toString("base64");
  near(new CodedImage({ means, caption: "" }).writeCode(found, new Float64Array(2)), [2, 3], 1e-5);
});

test("beta's scale has 1, 2 and 5 times powers of ten", () => {
  assert.deepEqual(betaTicks(0.1, 10), [0.1, 0.2, 0.5, 1, 2, 5, 10]);
});

test("a tile is a whole multiple where that nearly fills its box", () => {
  assert.equal(tileSide(60, [1, 28, 28]), 56);
  assert.equal(tileSide(50.5, [1, 28, 28]), 50);
});
