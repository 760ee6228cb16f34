/** The reader for where the addon is missing: the same files, the same figures, on the event loop in slices. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { CgroupId, Layout } from '../hierarchy/types.ts';
import type { KeyedColumn } from '../protocol/snapshot.ts';
import { type Batch, type BatchReader, OUTCOME } from './batch.ts';
import { type Emit, type Parse, parserOf } from './formats.ts';
import { Slices } from './pause.ts';
import type { Programme, Step } from './programme.ts';

const GONE: readonly (string | undefined)[] = ['ENOENT', 'ENODEV', 'ENOTDIR'];

/** seq_file hands out a page at a time of files that are lists: a shorter answer is the file's end. */
const PAGE = 4096;
const LONGEST_RECORD = 128;

interface Files {
  readonly id: CgroupId;
  /** By step; undefined while it is not kept open. */
  readonly descriptors: (number | undefined)[];
}

/** Figures with labels, as they are found. */
class Lines {
  readonly row: number[] = [];
  readonly label: string[] = [];
  readonly value: number[] = [];
}

export class PlainReader implements BatchReader {
  readonly kind = 'plain';
  readonly budget: number;
  readonly #layout: Layout;
  readonly #programme: Programme;
  readonly #groups = new Map<number, Files>();
  /** By step. */
  readonly #parsers: Parse[] = [];
  #buffer: Buffer = Buffer.allocUnsafe(64 * 1024);
  #handles = 0;
  #open = 0;
  #level = 0;
  /** How many files of just that rank are open, and may be. */
  #extra = 0;
  #spare = 0;

  constructor(layout: Layout, programme: Programme, budget: number) {
    this.#layout = layout;
    this.#programme = programme;
    this.budget = budget;
  }

  get open(): number {
    return this.#open;
  }

  add(id: CgroupId): number {
    const handle = this.#handles++;
    this.#groups.set(handle, { id, descriptors: [] });
    return handle;
  }

  remove(handle: number): void {
    const files = this.#groups.get(handle);
    for (const step of this.#programme.steps) this.#release(files, step);
    this.#groups.delete(handle);
  }

  async read(batch: Batch): Promise<ReadonlyMap<number, KeyedColumn>> {
    const { level, spare } = batch;
    if (level < this.#level || (level === this.#level && this.#extra > spare)) this.#releaseFrom(level);
    if (level !== this.#level) this.#extra = 0;
    this.#level = level;
    this.#spare = spare;
    const keyed = new Map<number, Lines>();
    const slices = new Slices();
    for (let at = 0; at < batch.groups.length; at++) {
      const files = this.#groups.get(batch.groups[at] ?? -1);
      const step = this.#programme.steps[batch.steps[at] ?? -1];
      if (files === undefined || step === undefined) throw new RangeError('there is no such group or step');
      batch.times[at] = performance.now() / 1000;
      batch.outcomes[at] = this.#readFile(files, step, batch.rows[at] ?? -1, batch.columns, keyed);
      if (slices.due()) await slices.pause();
    }
    return new Map(
      [...keyed].map(([column, { row, label, value }]) => [
        column,
        { row: Int32Array.from(row), label, value: Float64Array.from(value) },
      ]),
    );
  }

  close(): void {
    for (const handle of [...this.#groups.keys()]) this.remove(handle);
  }

  #readFile(
    files: Files,
    step: Step,
    row: number,
    columns: Batch['columns'],
    keyed: Map<number, Lines>,
  ): (typeof OUTCOME)[keyof typeof OUTCOME] {
    for (const column of step.columns) {
      const plain = columns[column];
      if (plain !== undefined) plain[row] = Number.NaN;
    }
    let end: number;
    try {
      end = this.#readText(files, step);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      if (!GONE.includes(errno)) return OUTCOME.failed;
      this.#release(files, step);
      return OUTCOME.absent;
    }
    const emit: Emit = (figure, value, label) => {
      const column = step.columns[figure] ?? -1;
      const plain = columns[column];
      if (plain !== undefined) {
        plain[row] = value;
        return;
      }
      const lines = keyed.get(column) ?? new Lines();
      keyed.set(column, lines);
      lines.row.push(row);
      lines.label.push(step.keys[figure] ?? label ?? '');
      lines.value.push(value);
    };
    this.#parsers[step.index] ??= parserOf(step.wanted);
    return this.#parsers[step.index]?.(this.#buffer, end, emit) ? OUTCOME.read : OUTCOME.malformed;
  }

  #readText(files: Files, step: Step): number {
    const kept = files.descriptors[step.index];
    if (kept !== undefined) return this.#readAll(kept);
    const descriptor = openSync(this.#pathOf(files.id, step), constants.O_RDONLY | constants.O_NOFOLLOW);
    if (this.#mayKeep(step)) {
      files.descriptors[step.index] = descriptor;
      this.#open++;
      if (step.rank === this.#level) this.#extra++;
      return this.#readAll(descriptor);
    }
    try {
      return this.#readAll(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #mayKeep({ rank }: Step): boolean {
    if (this.#open >= this.budget || rank > this.#level) return false;
    return rank < this.#level || this.#extra < this.#spare;
  }

  #pathOf(id: CgroupId, { hierarchy, file }: Step): string {
    const { mountPoint = '', root = '/' } = this.#layout.hierarchies[hierarchy] ?? {};
    return join(mountPoint, root === '/' ? id : id.slice(root.length), file);
  }

  #readAll(descriptor: number): number {
    let length = 0;
    for (;;) {
      const got = readSync(descriptor, this.#buffer, length, this.#buffer.length - length, length);
      length += got;
      if (length === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], 2 * length);
      else if (got < PAGE - LONGEST_RECORD) return length;
    }
  }

  #release(files: Files | undefined, { index, rank }: Step): void {
    const descriptor = files?.descriptors[index];
    if (files === undefined || descriptor === undefined) return;
    closeSync(descriptor);
    files.descriptors[index] = undefined;
    this.#open--;
    if (rank === this.#level) this.#extra--;
  }

  #releaseFrom(rank: number): void {
    const steps = this.#programme.steps.filter((step) => step.rank >= rank);
    for (const files of this.#groups.values()) for (const step of steps) this.#release(files, step);
  }
}
