// The interface of every instrument. It needs an element and JSON, and no particular host.

/**
 * Tells the host that a person has changed a value. The host decides what comes of it.
 *
 * @typedef {(name: string, value: unknown) => void} Emit
 */

/**
 * A mounted instrument.
 *
 * @template Data
 * @typedef {object} Mounted
 * @property {(data: Data) => void} update Takes new data from the host.
 * @property {() => void} destroy Removes the instrument from the page.
 */

/**
 * The inside of an instrument.
 *
 * @template Data
 * @typedef {object} Instrument
 * @property {(data: Data) => void} receive Takes data whose specification is the same as before.
 * @property {() => void} destroy
 */

/**
 * Mounts an instrument in `root`, which is an element or a shadow root.
 *
 * A change of the specification builds the instrument anew, with the one `before` it, so that a
 * person's own changes survive. Other changes go to `receive`.
 *
 * @template {{ spec: object }} Data
 * @template {Instrument<Data>} Kind
 * @param {new (root: ParentNode, data: Data, emit: Emit, before?: Kind) => Kind} Build
 * @param {ParentNode} root
 * @param {Data} data
 * @param {Emit} emit
 * @returns {Mounted<Data>}
 */
export function mountInstrument(Build, root, data, emit) {
  let spec = JSON.stringify(data.spec);
  let instance = new Build(root, data, emit);
  instance.receive(data);
  return {
    update(next) {
      const wanted = JSON.stringify(next.spec);
      if (wanted !== spec) {
        instance.destroy();
        instance = new Build(root, next, emit, instance);
        spec = wanted;
      }
      instance.receive(next);
    },
    destroy: () => instance.destroy(),
  };
}

/**
 * Puts an instrument's element into its root, in the place of an earlier one.
 *
 * @param {ParentNode} root
 * @param {HTMLElement} shown
 */
export function place(root, shown) {
  root.querySelector(".live")?.remove();
  root.append(shown);
}
