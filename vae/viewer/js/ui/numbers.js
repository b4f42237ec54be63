// Numbers as the instruments show them. This file needs no page.

/** @import { Numbers } from "../specs.d.ts" */

/**
 * Returns a number with its sign and two digits after the point.
 *
 * @param {number} x
 */
export const signed = (x) => (x <= -0.005 ? "−" : "+") + Math.abs(x).toFixed(2);

/**
 * Returns the Euclidean norm of a code.
 *
 * @param {Numbers} z
 */
export function normOf(z) {
  let sum = 0;
  for (let i = 0; i < z.length; i++) sum += z[i] * z[i];
  return Math.sqrt(sum);
}
