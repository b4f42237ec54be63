// A drawing becomes an image with the ink where, and as thick as, the style says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asBytes, drawnImage, placeInk } from "../../vae/viewer/js/draw/stroke_raster.js";
import { near } from "./support.mjs";

const PLAIN = { pen: 0.2, box: null, centre: "mass", invitation: "" };

const sum = (values) => values.reduce((total, value) => total + value, 0);

test("nothing drawn is no image", () => {
  assert.equal(drawnImage([], PLAIN, 8), null);
});

test("a dot has the area of a disc, at its place", () => {
  const side = 20;
  const image = drawnImage([[2500, 7500]], PLAIN, side);
  const radius = (PLAIN.pen * side) / 2;
  assert.ok(Math.abs(sum([...image]) / 255 - Math.PI * radius ** 2) < 0.4);
  const x = sum([...image].map((byte, i) => byte * ((i % side) + 0.5))) / sum([...image]);
  const y = sum([...image].map((byte, i) => byte * (Math.floor(i / side) + 0.5))) / sum([...image]);
  near([x, y], [0.25 * side, 0.75 * side], 0.05);
});

test("a straight stroke has the area of a rectangle with round ends", () => {
  const side = 28;
  const image = drawnImage([[2000, 5000, 8000, 5000]], PLAIN, side);
  const [length, pen] = [0.6 * side, PLAIN.pen * side];
  assert.ok(Math.abs(sum([...image]) / 255 - (length * pen + Math.PI * (pen / 2) ** 2)) < 2);
});

test("a drawing with a box fills it whatever its size on the pad", () => {
  const style = { ...PLAIN, pen: 0.1, box: 0.7, centre: "box" };
  const small = drawnImage([[1000, 1000, 2000, 2000]], style, 28);
  const large = drawnImage([[1000, 1000, 9000, 9000]], style, 28);
  near(small, large, 3);
});

test("placed ink has its centre of mass in the middle, to a pixel", () => {
  const values = new Float32Array(100);
  for (const i of [11, 12, 21, 22, 32, 42, 52]) values[i] = 1;
  const side = 20;
  const placed = placeInk({ values, width: 10, height: 10 }, { box: 0.5, centre: "mass" }, side);
  const [x, y] = [(i) => i % side, (i) => Math.floor(i / side)].map(
    (axis) => sum([...placed].map((value, i) => value * axis(i))) / sum([...placed]),
  );
  assert.ok(Math.abs(x - side / 2) <= 0.5 && Math.abs(y - side / 2) <= 0.5, `${x}, ${y}`);
});

test("shares of ink become bytes", () => {
  assert.deepEqual([...asBytes([0, 0.5, 1, 1.5])], [0, 128, 255, 255]);
});
