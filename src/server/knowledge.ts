/** What the stream tells of groups beside their figures. */
import type { Role } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import type { Knowledge } from '../exporters/feed.ts';
import { parseCgroupId } from '../hierarchy/id.ts';
import type { Host } from '../hierarchy/types.ts';
import { nameFor } from '../identity/runtime.ts';
import { Births } from '../monitor/births.ts';
import { figuresOf } from '../monitor/columns.ts';
import type { Tree } from '../monitor/tree.ts';
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import type { LiveRow } from '../protocol/stream.ts';

export class GroupKnowledge implements Knowledge {
  readonly #registry: Registry;
  readonly #births: Births;

  constructor(host: Host, registry: Registry, tree: Tree) {
    this.#registry = registry;
    this.#births = new Births(host);
    tree.watch(({ removed }) => {
      for (const { id } of removed) this.#births.forget(id);
    });
  }

  of(row: Row): Pick<LiveRow, 'name' | 'created'> {
    const name = nameFor(parseCgroupId(row.id));
    // The mount is older than its root's figures are young: it was not made as other groups are.
    const created = row.parent < 0 ? Number.NaN : Math.round(this.#births.at(row) * 1000);
    return {
      ...(name !== undefined && { name }),
      ...(!Number.isNaN(created) && { created }),
    };
  }

  frozen(snapshot: Snapshot): Float64Array | undefined {
    return this.#byRole(snapshot, 'frozen');
  }

  /** Where the kernel does not say so, as many processes do. */
  populated(snapshot: Snapshot): Float64Array | undefined {
    return this.#byRole(snapshot, 'populated') ?? this.#byRole(snapshot, 'pids.current');
  }

  #byRole(snapshot: Snapshot, role: Role): Float64Array | undefined {
    for (const { stat } of this.#registry.statsByRole(role)) {
      const figures = figuresOf(snapshot, { metric: stat.name, rate: false });
      if (figures !== undefined) return figures;
    }
    return undefined;
  }
}
