/** A batch in the making. Its arrays grow as needed and serve again. */
import type { Batch } from './batch.ts';

export class Requests {
  #groups = new Int32Array(1024);
  #steps = new Int32Array(1024);
  #rows = new Int32Array(1024);
  #outcomes = new Uint8Array(1024);
  #times = new Float64Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(group: number, step: number, row: number): void {
    if (this.#length === this.#groups.length) this.#grow();
    this.#groups[this.#length] = group;
    this.#steps[this.#length] = step;
    this.#rows[this.#length] = row;
    this.#length++;
  }

  /** What has been added since the last call. It is valid until more is added. */
  take(rest: Pick<Batch, 'columns' | 'level' | 'spare'>): Batch {
    const end = this.#length;
    this.#length = 0;
    return {
      groups: this.#groups.subarray(0, end),
      steps: this.#steps.subarray(0, end),
      rows: this.#rows.subarray(0, end),
      outcomes: this.#outcomes.subarray(0, end),
      times: this.#times.subarray(0, end),
      ...rest,
    };
  }

  #grow(): void {
    const size = 2 * this.#length;
    const larger = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(size);
      array.set(old);
      return array;
    };
    this.#groups = larger(this.#groups);
    this.#steps = larger(this.#steps);
    this.#rows = larger(this.#rows);
    this.#outcomes = new Uint8Array(size);
    this.#times = new Float64Array(size);
  }
}
