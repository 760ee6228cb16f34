/** The addon's reader behind {@link BatchReader}. */
import type { Format } from '../controllers/controller.ts';
import type { CgroupId, Layout } from '../hierarchy/types.ts';
import type { FigureSpec, BatchReader as Files, Native } from '../native.ts';
import { NO_LIMIT } from '../parse/number.ts';
import type { KeyedColumn } from '../protocol/snapshot.ts';
import type { Batch, BatchReader } from './batch.ts';
import type { Programme, Step } from './programme.ts';

export class NativeReader implements BatchReader {
  readonly kind = 'native';
  readonly budget: number;
  readonly #files: Files;
  readonly #programme: Programme;
  readonly #labels: string[] = [];
  #defined = 0;

  constructor(native: Native, layout: Layout, programme: Programme, budget: number) {
    const hierarchies = layout.hierarchies.map(({ mountPoint, root }) => ({
      path: mountPoint,
      skip: root === '/' ? 1 : Buffer.byteLength(root) + 1,
    }));
    this.budget = budget;
    this.#programme = programme;
    this.#files = new native.BatchReader(hierarchies, programme.columns.length, budget, NO_LIMIT);
  }

  get open(): number {
    return this.#files.open;
  }

  add(id: CgroupId): number {
    return this.#files.add(id);
  }

  remove(handle: number): void {
    this.#files.remove(handle);
  }

  async read(batch: Batch): Promise<ReadonlyMap<number, KeyedColumn>> {
    for (const step of this.#programme.steps.slice(this.#defined)) {
      this.#files.define({ ...step, items: this.#itemsOf(step) });
      this.#defined++;
    }
    const { keyed, labels } = await this.#files.read({ ...batch, now: performance.now() / 1000 });
    for (const bytes of labels) this.#labels.push(bytes.toString('utf8'));
    return new Map(keyed.map(({ column, row, label, value }) => [column, { row, label: this.#textsOf(label), value }]));
  }

  close(): void {
    this.#files.close();
  }

  #textsOf(numbers: Int32Array): readonly string[] {
    const texts = new Array<string>(numbers.length);
    for (let at = 0; at < numbers.length; at++) texts[at] = this.#labels[numbers[at] ?? -1] ?? '';
    return texts;
  }

  #itemsOf({ wanted, columns, keys }: Step): FigureSpec[] {
    return wanted.map(({ format, per, equals, unlimited }, figure) => {
      const column = columns[figure] ?? -1;
      const keyed = this.#programme.columns[column]?.label !== undefined;
      const index = format.at === 'word' ? format.index : undefined;
      return { at: format.at, key: keyOf(format), index, per, equals, unlimited, column, keyed, label: keys[figure] };
    });
  }
}

function keyOf(format: Format): string | undefined {
  if ('key' in format) return format.key;
  if ('line' in format) return format.line;
  if ('field' in format) return format.field;
  if ('op' in format) return format.op;
  return 'suffix' in format ? format.suffix : undefined;
}
