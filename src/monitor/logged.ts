/** What the kernel's log still holds of events: also of those before anybody listened. Only the victims of OOM kills, and what a declaration says is logged. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Registry } from '../controllers/registry.ts';
import { CgError, errnoOf } from '../errors.ts';
import type { Host } from '../hierarchy/types.ts';
import { parseKmsg } from '../parse/kmsg.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import { killed } from './kills.ts';
import { clock } from './listener.ts';
import { countersOf, placesOf } from './places.ts';
import { UNATTRIBUTED, Whereabouts } from './whereabouts.ts';

/** One record is no longer (CONSOLE_EXT_LOG_MAX). */
const RECORD = 8192;

export type LoggedEvent = Omit<CgroupEvent, 'seq'>;

/**
 * @param since milliseconds since the epoch
 * @throws CgError PERMISSION or UNSUPPORTED where the log cannot be read
 */
export function loggedEvents(host: Host, registry: Registry, since: number): readonly LoggedEvent[] {
  const places = [...new Set(placesOf(host, registry).flat())];
  const killing = places.find((place) => countersOf(place).some(({ victims }) => victims));
  const hierarchy = killing && host.layout.hierarchies[killing.hierarchy];
  const kind = killing && countersOf(killing).find(({ victims }) => victims)?.kind;
  const whereabouts = hierarchy && new Whereabouts(host.reader, hierarchy);
  const boot = Date.now() - clock();
  const events: LoggedEvent[] = [];
  for (const text of records()) {
    const record = parseKmsg(text);
    const time = record === undefined ? Number.NaN : Math.round(boot + record.seconds * 1000);
    // A constraint's record comes before the kill's.
    const victim = record && whereabouts?.heard(record.message, undefined);
    if (record === undefined || !(time >= since)) continue;
    if (victim !== undefined && kind !== undefined) {
      const cgroup = victim.cgroup ?? UNATTRIBUTED;
      events.push({ time, ...killed({ kind, cgroup, count: 1 }, [victim], victim.limited) });
    }
    for (const place of places) {
      const at = place.logged === undefined ? -1 : record.message.indexOf(place.logged);
      const [counter] = countersOf(place);
      if (place.logged === undefined || at < 0 || counter === undefined) continue;
      const cgroup = record.message.slice(at + place.logged.length);
      events.push({ time, kind: counter.kind, cgroup, text: `${counter.kind} in ${cgroup}, for the first time` });
    }
  }
  return events;
}

/** Every record that there is, oldest first, as far as it may be of interest. */
function* records(): Generator<string> {
  const log = open();
  const buffer = Buffer.allocUnsafe(RECORD);
  try {
    for (;;) {
      const size = next(log, buffer);
      if (size === undefined) return;
      yield buffer.toString('utf8', 0, size);
    }
  } finally {
    closeSync(log);
  }
}

function open(): number {
  try {
    return openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const code = errno === 'EPERM' || errno === 'EACCES' ? 'PERMISSION' : 'UNSUPPORTED';
    throw new CgError(code, `the kernel’s log (/dev/kmsg) cannot be read: ${errno}`);
  }
}

/** The size of the next record; undefined when there is none. */
function next(log: number, buffer: Buffer): number | undefined {
  for (;;) {
    try {
      return readSync(log, buffer);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EAGAIN') return undefined;
      // Overwritten meanwhile: the next one is read.
      if (errno !== 'EPIPE') throw error;
    }
  }
}
