/** What must be there before a value can be written: directories, filled v1 cpusets, controllers enabled in v2 ancestors. */
import { accessSync, constants } from 'node:fs';
import { alternatives, type Slot } from '../controllers/controller.ts';
import type { KnobEntry, Registry } from '../controllers/registry.ts';
import { CgError, errnoOf } from '../errors.ts';
import { ancestors, isWithin, nameOf, parentId } from '../hierarchy/id.ts';
import { candidates, isRootGroup, pick } from '../hierarchy/locate.ts';
import type { CgroupId, Hierarchy, Host } from '../hierarchy/types.ts';
import type { Note, PlanStep } from '../protocol/plan.ts';

export const SUBTREE_CONTROL = 'cgroup.subtree_control';

export interface StructureRequest {
  readonly id: CgroupId;
  /** Make the group where it is missing. */
  readonly create: boolean;
  /** Make it only in the hierarchies of these controllers. */
  readonly controllers?: readonly string[];
  readonly knobs: readonly KnobEntry[];
}

export interface Structure {
  readonly steps: readonly PlanStep[];
  readonly notes: readonly Note[];
  /** Whether, after these steps, a group has the files of a controller in a hierarchy. */
  brings(id: CgroupId, hierarchy: Hierarchy, owner: string): boolean;
}

/** Plans the steps, parents first. Reads, writes nothing. */
export function planStructure(host: Host, registry: Registry, requests: readonly StructureRequest[]): Structure {
  const steps: PlanStep[] = [];
  const notes: Note[] = [];
  const made = new Set<string>();
  const enabled = new Map<string, Set<string>>();
  const filled = new Map<string, string>();
  const { reader, layout } = host;
  const place = (h: Hierarchy, id: CgroupId): string => `${h.key}\0${id}`;
  const there = (h: Hierarchy, id: CgroupId): boolean => made.has(place(h, id)) || reader.exists(h, id);

  for (const request of requests) {
    const chosen = layout.hierarchies.filter((h) => !h.readOnly && wanted(host, registry, request, h));
    if (request.create && chosen.length === 0)
      throw new CgError(
        'UNSUPPORTED',
        `no writable hierarchy offers ${request.controllers?.join(', ') ?? 'a place for a group'}`,
      );
    const of = (dialect: Hierarchy['dialect']) => chosen.filter((h) => h.dialect === dialect);
    for (const h of of('v1')) makeV1(request, h);
    for (const h of of('v2')) enable(request, h);
  }
  return {
    steps,
    notes,
    brings: (id, h, owner) =>
      h.dialect === 'v1' || owner === 'core' ? made.has(place(h, id)) : newlyEnabled(h, id, owner),
  };

  function newlyEnabled(h: Hierarchy, id: CgroupId, controller: string): boolean {
    const parent = parentId(id);
    return (
      parent !== undefined &&
      (enabled.get(place(h, parent))?.has(controller) ??
        (made.has(place(h, id)) && enabledNow(host, h, parent).has(controller)))
    );
  }

  function mkdir(h: Hierarchy, id: CgroupId, target: CgroupId): void {
    if (there(h, id)) return;
    made.add(place(h, id));
    steps.push({
      kind: 'mkdir',
      cgroup: id,
      hierarchy: h.key,
      path: reader.path(h, id),
      why: id === target ? 'the group' : `on the way to ${target}`,
    });
  }

  function makeV1(request: StructureRequest, h: Hierarchy): void {
    if (!request.create) return;
    const fills = registry.allKnobs().flatMap(({ controller, knob }) => {
      const slot = alternatives(knob.v1).find((s: Slot) => s.populate);
      return slot && h.controllers.includes(slot.in ?? controller.v1 ?? controller.name) ? [slot] : [];
    });
    for (const id of [...visibleAncestors(h, request.id), request.id]) {
      mkdir(h, id, request.id);
      for (const { file } of fills) fill(h, id, file);
    }
  }

  /** A v1 cpuset that is empty takes no task: the nearest filled ancestor's value is copied down. */
  function fill(h: Hierarchy, id: CgroupId, file: string): void {
    const key = `${place(h, id)}\0${file}`;
    const present = filled.get(key) ?? (made.has(place(h, id)) ? '' : (reader.tryRead(h, id, file)?.trim() ?? ''));
    if (present !== '') {
      filled.set(key, present);
      return;
    }
    const parent = parentId(id);
    const text = parent === undefined ? undefined : filled.get(`${place(h, parent)}\0${file}`);
    if (text === undefined) return;
    filled.set(key, text);
    steps.push({
      kind: 'write',
      cgroup: id,
      hierarchy: h.key,
      file,
      path: reader.path(h, id, file),
      text,
      was: '',
      undo: [],
      why: 'an empty one holds no task: the parent’s value',
    });
  }

  function enable(request: StructureRequest, h: Hierarchy): void {
    const required = request.knobs.flatMap((entry) => {
      const found = pick<Slot>(reader, request.id, entry.controller, entry.knob);
      if (!('absent' in found)) return [];
      const there = candidates<Slot>(layout, entry.controller, entry.knob).filter(
        (c) => c.dialect === 'v2' && c.hierarchies.includes(h) && h.controllers.includes(c.owner),
      );
      return there.length === 0 || inV1(request, entry) ? [] : [there[0]?.owner ?? ''];
    });
    const expected = request.create
      ? (request.controllers ?? registry.controllers.filter((c) => c.onCreate).map((c) => c.v2 ?? c.name)).filter((c) =>
          h.controllers.includes(c),
        )
      : [];
    let all = [...new Set([...expected, ...required])];
    for (const ancestor of visibleAncestors(h, request.id)) {
      if (request.create) mkdir(h, ancestor, request.id);
      const now =
        enabled.get(place(h, ancestor)) ??
        (made.has(place(h, ancestor)) ? new Set<string>() : enabledNow(host, h, ancestor));
      const optional = all.filter((c) => !now.has(c) && !required.includes(c));
      const why = optional.length > 0 && !made.has(place(h, ancestor)) ? obstacle(host, h, ancestor) : undefined;
      if (why !== undefined) {
        all = all.filter((c) => !optional.includes(c)); // nor do they come further down
        notes.push({
          level: 'warning',
          cgroup: request.id,
          text: `${optional.join(', ')} stay off below ${ancestor}: ${why}`,
        });
      }
      const missing = all.filter((c) => !now.has(c));
      if (missing.length === 0) continue;
      enabled.set(place(h, ancestor), new Set([...now, ...missing]));
      const others = made.has(place(h, ancestor))
        ? []
        : reader.children(h, ancestor).filter((name) => !onTheWay(request.id, ancestor, name));
      if (others.length > 0)
        notes.push({
          level: 'info',
          cgroup: ancestor,
          text: `enabling ${missing.join(', ')} in ${ancestor} gives these groups the controller too: ${some(others)}`,
        });
      steps.push({
        kind: 'enable',
        cgroup: ancestor,
        hierarchy: h.key,
        file: SUBTREE_CONTROL,
        path: reader.path(h, ancestor, SUBTREE_CONTROL),
        text: missing.map((c) => `+${c}`).join(' '),
        was: [...now].join(' '),
        undo: [{ file: SUBTREE_CONTROL, text: missing.map((c) => `-${c}`).join(' ') }],
        why: `children get ${missing.join(', ')} only where the parent enables it`,
      });
    }
    if (request.create) mkdir(h, request.id, request.id);
  }

  /** Whether a v1 hierarchy will serve the knob, so that v2 need not enable anything for it. */
  function inV1(request: StructureRequest, entry: KnobEntry): boolean {
    return candidates<Slot>(layout, entry.controller, entry.knob).some(
      (c) => c.dialect === 'v1' && c.hierarchies.some((h) => there(h, request.id)),
    );
  }
}

/** Whether a request concerns a hierarchy at all. */
function wanted(host: Host, registry: Registry, { id, create, controllers }: StructureRequest, h: Hierarchy): boolean {
  if (!create) return host.reader.exists(h, id);
  if (controllers === undefined) return true;
  const names = new Set(
    controllers.flatMap((name) => {
      const declared = registry.findController(name);
      return [name, declared?.[h.dialect] ?? name];
    }),
  );
  return h.controllers.some((c) => names.has(c)) || names.has(h.key);
}

const enabledNow = (host: Host, h: Hierarchy, id: CgroupId): Set<string> =>
  new Set(host.reader.tryRead(h, id, SUBTREE_CONTROL)?.trim().split(/\s+/).filter(Boolean));

/** The groups above that this mount shows: a bind mount or a container's begins below the root. */
const visibleAncestors = (h: Hierarchy, id: CgroupId): CgroupId[] => ancestors(id).filter((a) => isWithin(a, h.root));

/** Why controllers that nobody asked for by name are not enabled in a group: the kernel would refuse. */
function obstacle({ reader }: Host, h: Hierarchy, id: CgroupId): string | undefined {
  if (!isOurs(reader.path(h, id, SUBTREE_CONTROL))) return 'it is not yours to change';
  const occupied = !isRootGroup(reader, h, id) && (reader.tryRead(h, id, 'cgroup.procs') ?? '').trim() !== '';
  return occupied ? 'it holds processes itself, and the kernel enables controllers only where it does not' : undefined;
}

function isOurs(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

const onTheWay = (id: CgroupId, ancestor: CgroupId, child: string): boolean =>
  [...ancestors(id), id].some((a) => parentId(a) === ancestor && nameOf(a) === child);

const some = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
