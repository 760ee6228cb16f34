/** Carries a plan out: writes, reads back, compares; on a refusal everything done so far is undone in reverse. */
import type { Slot } from '../controllers/controller.ts';
import type { KnobEntry, Registry } from '../controllers/registry.ts';
import { decodeDefault, formatValue } from '../controllers/types.ts';
import { CgError } from '../errors.ts';
import { parentId, parseCgroupId, ROOT } from '../hierarchy/id.ts';
import type { Hierarchy, Host, Refusal, Writer } from '../hierarchy/types.ts';
import { printable, quoteArg } from '../parse/printable.ts';
import type { PlanStep, StepOutcome } from '../protocol/plan.ts';
import { meaning } from './meaning.ts';
import { describeSome } from './process.ts';
import { ONLY, tokens } from './shape.ts';
import { View } from './view.ts';

/** What has been done so far; several plans may follow one another in one journal, and are undone together. */
export type Journal = StepOutcome[];

/** Carries the steps out, adding each to the journal. On a refusal the whole journal is undone and the error says so. */
export function applySteps(host: Host, registry: Registry, steps: readonly PlanStep[], journal: Journal): void {
  const todo = [...steps];
  for (let step = todo.shift(); step !== undefined; step = todo.shift()) {
    const refusal = perform(host, step);
    if (refusal === undefined) {
      journal.push(outcomeOf(host, registry, step));
      continue;
    }
    const [partner] = todo;
    if (step.pairedWithNext && partner !== undefined && refusal.errno === 'EINVAL') {
      // The kernel checks the two together: perhaps the other one makes room.
      todo.splice(0, 1, { ...step, pairedWithNext: false });
      todo.unshift(partner);
      continue;
    }
    throw failure(host, registry, step, refusal, journal);
  }
}

/** Undoes a journal in reverse. Returns what could not be undone. */
export function undo(host: Host, journal: Journal): string[] {
  const left: string[] = [];
  for (const step of journal.splice(0).reverse()) {
    for (const { path, errno } of revert(host, step)) left.push(`${path}: ${errno}, ${meaning(step.kind, errno)}`);
    if (step.kind === 'write' && step.undo === undefined && step.irreversible)
      left.push(`${step.path}: "${step.text}" cannot be undone`);
  }
  return left;
}

function perform(host: Host, step: PlanStep): Refusal | undefined {
  const { writer, hierarchy, id } = target(host, step);
  switch (step.kind) {
    case 'mkdir':
      return writer.mkdir(hierarchy, id);
    case 'rmdir':
      return writer.rmdir(hierarchy, id);
    default:
      return writer.write(hierarchy, id, step.file ?? '', step.text ?? '');
  }
}

/** Where the group is gone, nothing is left to be undone. */
function revert(host: Host, step: PlanStep): Refusal[] {
  const { writer, hierarchy, id } = target(host, step);
  const refusals =
    step.kind === 'mkdir'
      ? [writer.rmdir(hierarchy, id)]
      : (step.undo ?? []).map(({ file, text }) => writer.write(hierarchy, id, file, text));
  return refusals.flatMap((refusal) => (refusal === undefined || isGone(host, step, refusal.errno) ? [] : [refusal]));
}

function target(
  host: Host,
  step: PlanStep,
): { writer: Writer; hierarchy: Hierarchy; id: ReturnType<typeof parseCgroupId> } {
  const hierarchy = host.layout.hierarchies.find((h) => h.key === step.hierarchy);
  if (hierarchy === undefined) throw new CgError('UNSUPPORTED', `the hierarchy ${step.hierarchy} is not mounted`);
  if (host.writer === undefined) throw new CgError('PERMISSION', 'cgctl was started for reading only');
  return { writer: host.writer, hierarchy, id: parseCgroupId(step.cgroup) };
}

function failure(host: Host, registry: Registry, step: PlanStep, { errno, path }: Refusal, journal: Journal): CgError {
  const done = journal.length;
  const left = undo(host, journal);
  const what =
    step.kind === 'mkdir'
      ? `making ${printable(path)}`
      : step.kind === 'rmdir'
        ? `removing ${printable(path)}`
        : `writing "${printable(step.text ?? '')}" to ${printable(path)}`;
  const before = done === 1 ? 'the step before it' : `the ${done} steps before it`;
  const after =
    done === 0
      ? 'nothing had been changed'
      : left.length === 0
        ? `${before} ${done === 1 ? 'was' : 'were'} undone`
        : `undoing ${before} left: ${left.join('; ')}`;
  const gone = isGone(host, step, errno);
  const own = gone ? undefined : errnoWords(registry, step);
  const processes = inTheWay(host, step, errno);
  const words = `${gone ? 'the group was removed meanwhile' : meaning(step.kind, errno, own)}${emptying(step, processes)}`;
  const code = left.length > 0 ? 'ROLLBACK' : gone ? 'VANISHED' : codeOf(errno, own);
  return new CgError(code, `${what}: ${errno}: ${words}; ${after}`, {
    path,
    errno,
    text: step.text,
    cgroup: step.cgroup,
    knob: step.knob,
    undone: done,
    left,
    processes,
  });
}

/** Also where its parent, which was to hold it, is gone. */
function isGone(host: Host, step: PlanStep, errno: string): boolean {
  const { hierarchy, id } = target(host, step);
  const needed = step.kind === 'mkdir' ? (parentId(id) ?? id) : id;
  return (errno === 'ENOENT' || errno === 'ENODEV') && !host.reader.exists(hierarchy, needed);
}

/** What a declaration has words for is about its file, not about permission. */
function codeOf(errno: string, own: Slot['errno']): 'KERNEL' | 'PERMISSION' | 'EXISTS' {
  if (errno === 'EROFS' || errno === 'EPERM') return 'PERMISSION';
  if (errno === 'EACCES' && own?.EACCES === undefined) return 'PERMISSION';
  return errno === 'EEXIST' ? 'EXISTS' : 'KERNEL';
}

/** The processes that keep a controller from being enabled. */
function inTheWay(host: Host, step: PlanStep, errno: string): number[] | undefined {
  if (step.kind !== 'enable' || errno !== 'EBUSY') return undefined;
  const { hierarchy, id } = target(host, step);
  return host.reader.tryRead(hierarchy, id, 'cgroup.procs')?.split('\n').filter(Boolean).slice(0, 20).map(Number);
}

/** The way out of it: v2 groups hold either processes or groups with controllers. */
function emptying({ cgroup }: PlanStep, processes: readonly number[] = []): string {
  if (processes.length === 0) return '';
  const leaf = quoteArg(`${cgroup === ROOT ? '' : cgroup}/leaf`);
  const others = processes.filter((pid) => pid !== process.pid);
  const move = others.length > 0 ? ` && cgctl attach ${leaf} ${others.join(' ')}` : '';
  return `. It holds ${describeSome(processes)}; to make room: cgctl create ${leaf}${move}`;
}

function errnoWords(registry: Registry, step: PlanStep): Slot['errno'] {
  const entry = step.knob === undefined ? undefined : registry.findKnob(step.knob);
  return entry && slotFor(entry, step)?.errno;
}

const slotFor = ({ knob }: KnobEntry, step: PlanStep): Slot | undefined =>
  [knob.v1, knob.v2].flat().find((slot) => slot !== undefined && fits(slot.file, step.file ?? ''));

const fits = (template: string, file: string): boolean => {
  const [head = '', tail] = template.split('{key}');
  return tail === undefined ? template === file : file.startsWith(head) && file.endsWith(tail);
};

/** Reads back what the kernel made of a write. */
function outcomeOf(host: Host, registry: Registry, step: PlanStep): StepOutcome {
  const entry = step.knob === undefined ? undefined : registry.findKnob(step.knob);
  const slot = entry && slotFor(entry, step);
  if (entry === undefined || slot === undefined || step.text === undefined || step.irreversible) return step;
  const { hierarchy, id } = target(host, step);
  const text = new View(host, registry).text(hierarchy, id, step.file ?? '');
  if (text === undefined) return step;
  const shape = slot.shape?.kind ?? 'scalar';
  if (shape === 'tuple')
    return { ...step, got: text.trim(), ...(text.trim() === step.text ? {} : { adjusted: text.trim() }) };
  const written =
    slot.shape?.kind === 'line' && slot.shape.bare
      ? new Map([[ONLY, step.text]])
      : tokens(slot, shape === 'keyed' ? `${step.text}\n` : step.text);
  const has = tokens(slot, text);
  for (const [key, token] of written) {
    const got = has.get(key);
    const same =
      got === token || (got !== undefined && sameValue(entry, got, token)) || (got === undefined && shape === 'keyed');
    return { ...step, ...(got === undefined ? {} : { got }), ...(same || got === undefined ? {} : { adjusted: got }) };
  }
  return step;
}

/** `-1` and 9223372036854771712 are one value, `0-1` and `0,1` another. */
function sameValue({ knob }: KnobEntry, a: string, b: string): boolean {
  const type = knob.type.kind === 'map' ? knob.type.value : knob.type;
  if (type.kind === 'record') {
    const [has, wrote] = [decodeDefault(type, a), decodeDefault(type, b)];
    return has instanceof Map && wrote instanceof Map && [...wrote].every(([field, value]) => has.get(field) === value);
  }
  return formatValue(type, decodeDefault(type, a)) === formatValue(type, decodeDefault(type, b));
}
