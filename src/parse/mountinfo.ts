import { unreadable } from './fail.ts';
import { digits } from './number.ts';
import { linesOf, unescapeOctal } from './scan.ts';

/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)); a later line may hide an earlier one's mount point. */
export interface Mount {
  id: number;
  parent: number;
  /** `major:minor` of the files below it */
  device: string;
  /** the directory of the file system that is mounted: not `/` for a bind mount */
  root: string;
  mountPoint: string;
  options: string[];
  /** propagation: `shared:1`, `master:2` … */
  optional: string[];
  fsType: string;
  source: string;
  /** the file system's own options; for v1 cgroups the controllers stand here */
  superOptions: string[];
}

/** /proc/PID/mountinfo, in its order. @throws CgError PARSE */
export function parseMountinfo(text: string): Mount[] {
  return linesOf(text).map(parseMount);
}

function parseMount(line: string): Mount {
  // split at single blanks: a source may be empty
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [id = '', parent = '', device = '', root = '', mountPoint = '', options = ''] = fields;
  const [fsType = '', source = '', ...superOptions] = dash < 0 ? [] : fields.slice(dash + 1);
  const mount: Mount = {
    id: digits(id),
    parent: digits(parent),
    device,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options: splitOptions(options),
    optional: fields.slice(6, dash),
    fsType: unescapeOctal(fsType),
    source: unescapeOctal(source),
    // some file systems do not escape the blanks in their options (9p's paths)
    superOptions: splitOptions(superOptions.join(' ')),
  };
  const whole =
    fsType !== '' && superOptions.length > 0 && root !== '' && mountPoint !== '' && /^\d+:\d+$/.test(device);
  if (!whole || Number.isNaN(mount.id) || Number.isNaN(mount.parent)) throw unreadable('a line of mountinfo', line);
  return mount;
}

/** Commas within an option are escaped: split first. */
function splitOptions(options: string): string[] {
  return options.split(',').map(unescapeOctal);
}
