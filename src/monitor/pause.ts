/** Long work in slices, so that a service answers meanwhile. */

/** The longest stretch of work without a pause, in ms; what runs between two looks at the clock comes on top. */
const SLICE_MS = 4;

/** Whether it is time to let others run. */
export class Slices {
  #started = performance.now();

  due(): boolean {
    return performance.now() - this.#started >= SLICE_MS;
  }

  /** Resolves after what else is waiting has run. */
  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#started = performance.now();
  }
}
