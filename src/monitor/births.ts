/** When groups were made, as far as their directories tell (kernfs has no time of birth). */
import { lstatSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { parseCgroupId } from '../hierarchy/id.ts';
import type { Host } from '../hierarchy/types.ts';
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import { Slices } from './pause.ts';

interface Birth {
  readonly generation: string;
  readonly seconds: number;
}

export class Births {
  readonly #host: Host;
  readonly #known = new Map<string, Birth>();

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Seconds since the epoch, a figure a row; NaN where nothing is known. The kernel forgets a directory's times when it needs the
   * memory, so what was seen first stays.
   */
  async of({ rows }: Snapshot): Promise<Float64Array> {
    if (this.#known.size > 2 * rows.length) this.#known.clear();
    const slices = new Slices();
    const seconds = new Float64Array(rows.length);
    for (const [at, row] of rows.entries()) {
      seconds[at] = this.at(row);
      if (slices.due()) await slices.pause();
    }
    return seconds;
  }

  /** Of one group, as {@link of}. */
  at(row: Row): number {
    let birth = this.#known.get(row.id);
    if (birth?.generation !== row.generation) {
      birth = { generation: row.generation, seconds: this.#look(row) };
      this.#known.set(row.id, birth);
    }
    return birth.seconds;
  }

  /** The group is gone. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  #look({ id }: Row): number {
    const { layout, reader } = this.#host;
    for (const hierarchy of layout.hierarchies) {
      const stat = statOf(reader.path(hierarchy, parseCgroupId(id)));
      if (stat !== undefined) return Math.min(stat.mtimeMs, stat.ctimeMs) / 1000;
    }
    return Number.NaN;
  }
}

function statOf(path: string): { mtimeMs: number; ctimeMs: number } | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
