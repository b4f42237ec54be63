// The map's geometry, and the search for the nearest codes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ellipseOf, scattered } from "../../vae/viewer/js/map/backdrops.js";
import { Codes, dotStyle, projectOn, splat } from "../../vae/viewer/js/map/codes.js";
import { Gestures } from "../../vae/viewer/js/map/gestures.js";
import { NearestCodes, shareNearer } from "../../vae/viewer/js/map/nearest.js";
import { homeView, MARGIN, ticks, View } from "../../vae/viewer/js/map/view.js";
import { makeRandom, near } from "./support.mjs";

const PLANE = { origin: [0, 0, 0], basis: [[1, 0, 0], [0, 1, 0]], labels: ["x", "y"], symbols: ["x", "y"], has_prior: true };

function makeCodes(points, labels, active) {
  const header = { latent_dim: 3, class_names: ["a", "b"] };
  return new Codes({ header, arrays: { points: Float32Array.from(points.flat()), labels, active } }, PLANE);
}

test("a view turns screen places into points of the plane and back", () => {
  const view = new View(300, { x: 1, y: -2, span: 6 });
  view.pan(12, -7);
  view.zoom(0.4, 50, 220);
  const [x, y] = view.toPlane(80, 130);
  near([view.toScreenX(x), view.toScreenY(y)], [80, 130], 1e-9);
});

test("zooming keeps the point under the pointer", () => {
  const view = new View(300, { x: 0, y: 0, span: 4 });
  const before = view.toPlane(40, 250);
  view.zoom(0.5, 40, 250);
  near(view.toPlane(40, 250), before, 1e-9);
  assert.equal(view.span, 2);
  view.reset();
  assert.deepEqual([view.x, view.y, view.span], [0, 0, 4]);
});

test("the first view holds the codes but no far outlier", () => {
  const xs = Array.from({ length: 1001 }, (_, i) => i / 500 - 1);
  const { x, span } = homeView([...xs, 1e6], xs.concat(0));
  assert.ok(Math.abs(x) < 0.01 && span > 2 && span < 2.5, `${x} ${span}`);
});

test("ticks are round, rising, and inside", () => {
  const found = ticks(-1.3, 2.1);
  assert.deepEqual(found.map(({ text }) => text), ["−1", "0", "1", "2"]);
  assert.ok(ticks(0, 0.004).every(({ value }) => value >= 0 && value <= 0.004));
});

test("a code projects as its dot products with the basis", () => {
  const plane = { ...PLANE, origin: [1, 1, 1], basis: [[0.6, 0.8, 0], [0, 0, 1]] };
  near(projectOn(plane, [2, 3, 5]), [0.6 + 1.6, 4], 1e-12);
});

test("the nearest codes are those of a full sort over the active dimensions", () => {
  const random = makeRandom(3);
  const points = Array.from({ length: 200 }, () => [random.next(), random.next(), random.next()]);
  const labels = Int32Array.from(points, (_, i) => i % 2);
  const codes = makeCodes(points, labels, Int32Array.of(0, 2));
  const z = [0.1, 5, -0.2];
  const away = (i) => Math.hypot(points[i][0] - z[0], points[i][2] - z[2]);
  const sorted = points.map((_, i) => i).sort((a, b) => away(a) - away(b));
  const search = new NearestCodes(codes, 4);
  search.search(z);
  assert.deepEqual([...search.indices], sorted.slice(0, 4));
  near([search.distance(3)], [away(sorted[3])], 1e-6);
  codes.hidden[sorted[0] % 2] = 1;
  search.search(z);
  assert.deepEqual([...search.indices], sorted.filter((i) => i % 2 !== sorted[0] % 2).slice(0, 4));
  near([search.leastDistance], [away(sorted[0])], 1e-6);
});

test("fewer codes than asked for leave -1", () => {
  const search = new NearestCodes(makeCodes([[0, 0, 0]]), 3);
  search.search([1, 1, 1]);
  assert.deepEqual([...search.indices], [0, -1, -1]);
});

test("the share of nearer codes is read between the quantiles", () => {
  const spacings = Float32Array.of(1, 2, 4);
  assert.equal(shareNearer(spacings, 0.5), 0);
  assert.equal(shareNearer(spacings, 3), 0.75);
  assert.equal(shareNearer(spacings, 4), 1);
});

test("a sample is spread over the shown codes in the view", () => {
  const codes = makeCodes(Array.from({ length: 100 }, (_, i) => [i < 90 ? 0 : 9, 0, 0]));
  const found = codes.sample(new View(100, { x: 0, y: 0, span: 2 }), 9);
  assert.deepEqual(found, [0, 10, 20, 30, 40, 50, 60, 70, 80]);
});

test("a dot blends its colour into the image where its code lies", () => {
  const image = { data: new Uint8ClampedArray(4 * 40 * 40), width: 40 };
  const codes = makeCodes([[0.5, 0.5, 0]]);
  splat(image, codes, new View(40, { x: 0, y: 0, span: 2 }), [[200, 100, 0]], { radius: 2, opacity: 0.5 });
  const at = (x, y) => [...image.data.subarray(4 * (y * 40 + x), 4 * (y * 40 + x) + 3)];
  assert.deepEqual(at(30, 10), [100, 50, 0]);
  assert.deepEqual(at(10, 30), [0, 0, 0]);
});

test("dots are smaller where there are more", () => {
  assert.ok(dotStyle(50_000, 1).radius < dotStyle(1000, 1).radius);
});

test("a marginal's ellipse has the eigenvalues of its covariance", () => {
  const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
  const plane = { ...PLANE, basis: [[c, -s, 0], [s, c, 0]] };
  const { major, minor, angle } = ellipseOf([Math.log(9), Math.log(4), 0], plane);
  near([major, minor, angle], [3, 2, 0.3], 1e-9);
});

test("a scattered order meets every cell once", () => {
  for (const count of [1, 2, 9, 144]) {
    assert.deepEqual(scattered(count).sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
  }
});

/** A canvas and a map that note what they are told. */
function gestures(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told = [];
  const note = (name) => (...given) => void told.push([name, ...given]);
  const canvas = Object.assign(new EventTarget(), { setPointerCapture() {} });
  const names = ["hover", "pan", "zoom", "reset", "pinAt", "movePin", "commitPin"];
  const map = { plotSide: 300, pin: null, ...Object.fromEntries(names.map((name) => [name, note(name)])) };
  new Gestures(canvas, new AbortController().signal, map);
  const send = (type, x = 0, y = 0, more = {}) => {
    const at = { offsetX: x + MARGIN.left, offsetY: y + MARGIN.top, button: 0, pointerId: 1, ...more };
    canvas.dispatchEvent(Object.assign(new Event(type), at));
  };
  return { told, send, names: () => told.map(([name]) => name) };
}

test("a press and a lift at one place pin, and tell Python when no second click follows", (t) => {
  const { told, send, names } = gestures(t);
  send("pointerdown", 10, 20);
  send("pointerup", 11, 20);
  assert.deepEqual(told, [["pinAt", 11, 20]]);
  t.mock.timers.tick(260);
  assert.deepEqual(names(), ["pinAt", "commitPin"]);
});

test("a double click resets and tells Python no pin", (t) => {
  const { send, names } = gestures(t);
  for (let i = 0; i < 2; i++) {
    send("pointerdown", 10, 20);
    send("pointerup", 10, 20);
  }
  send("dblclick");
  t.mock.timers.tick(1000);
  assert.deepEqual(names(), ["pinAt", "pinAt", "reset"]);
});

test("a drag pans and pins nothing", (t) => {
  const { told, send, names } = gestures(t);
  send("pointerdown", 10, 10);
  send("pointermove", 30, 10);
  send("pointermove", 30, 25);
  send("pointerup", 30, 25);
  t.mock.timers.tick(1000);
  assert.deepEqual(told.filter(([name]) => name === "pan"), [["pan", 20, 0], ["pan", 0, 15]]);
  assert.ok(!names().includes("pinAt"));
});

test("keys move the pin and zoom; other keys do nothing", (t) => {
  const { told, send } = gestures(t);
  for (const key of ["ArrowUp", "+", "0", "x"]) send("keydown", 0, 0, { key });
  assert.deepEqual(told, [["movePin", 0, 1], ["zoom", 0.8, 150, 150], ["reset"]]);
});
