import { unreadable } from './fail.ts';
import { digits, digitsAt } from './number.ts';
import { eachToken, linesOf } from './scan.ts';

/**
 * A file of named groups with `field=value` pairs: `8:0 rbytes=1 wbytes=2` (io.stat), `8:16 rbps=max wiops=120` (io.max),
 * `anon N0=1 N1=2` (v2's memory.numa_stat), `mlx4_0 hca_handle=2` (rdma.current). Values stay text.
 * A name without fields has an empty map; several names on a line are several groups, since io.stat of some 5.x kernels
 * leaves out the newline after a disk that has no figures.
 * @throws CgError PARSE
 */
export function parseNested(text: string): Map<string, Map<string, string>> {
  const groups = new Map<string, Map<string, string>>();
  let fields: Map<string, string> | undefined;
  eachToken(text, (place, start, equals, end) => {
    if (equals < 0) {
      fields = entry(groups, text.slice(start, end));
    } else if (place === 0 || fields === undefined || equals === start) {
      throw unreadable('a "name field=value" line', text.slice(start, end));
    } else {
      fields.set(text.slice(start, equals), text.slice(equals + 1, end));
    }
  });
  return groups;
}

/**
 * A file of `key value` lines whose value is kept as text: `8:0 1048576` (blkio.throttle.*), `default 100` (io.weight),
 * `eth0 5` (net_prio.ifpriomap). The first blank separates; the rest of the line is the value.
 * @throws CgError PARSE
 */
export function parseKeyed(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of linesOf(text)) {
    const blank = line.indexOf(' ');
    if (blank <= 0) throw unreadable('a "key value" line', line);
    values.set(line.slice(0, blank), line.slice(blank + 1));
  }
  return values;
}

/**
 * v1 blkio's counters per device and operation: `8:0 Read 123`. A device's own `Total` is one of its operations; the
 * last line, `Total 5` over all devices, is left out.
 * @throws CgError PARSE
 */
export function parseOps(text: string): Map<string, Map<string, number>> {
  const devices = new Map<string, Map<string, number>>();
  for (const line of linesOf(text)) {
    const [device = '', operation = '', count, more] = line.split(' ', 4);
    const total = device === 'Total' && count === undefined;
    const value = digits((total ? operation : count) ?? '');
    if (device === '' || operation === '' || Number.isNaN(value) || more !== undefined) {
      throw unreadable('a "device operation count" line', line);
    }
    if (!total) entry(devices, device).set(operation, value);
  }
  return devices;
}

/**
 * v1's memory.numa_stat, in pages: `total=5 N0=3 N1=2`, `hierarchical_total=…`. The outer key is the line's name; the
 * inner ones are `total` (the line's sum) and `N0`, `N1` …
 * @throws CgError PARSE
 */
export function parseNumaV1(text: string): Map<string, Map<string, number>> {
  const lines = new Map<string, Map<string, number>>();
  let pages = new Map<string, number>();
  eachToken(text, (place, start, equals, end) => {
    const value = digitsAt(text, equals + 1, end);
    if (equals <= start || Number.isNaN(value)) throw unreadable('memory.numa_stat', text.slice(start, end));
    const name = text.slice(start, equals);
    if (place === 0) pages = entry(lines, name);
    pages.set(place === 0 ? 'total' : name, value);
  });
  return lines;
}

function entry<V>(groups: Map<string, Map<string, V>>, name: string): Map<string, V> {
  let fields = groups.get(name);
  if (fields === undefined) {
    fields = new Map();
    groups.set(name, fields);
  }
  return fields;
}
