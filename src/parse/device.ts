/** A device number as cgroup files write it. */
export interface MajMin {
  /** 0 to 4095 */
  major: number;
  /** 0 to 1048575 */
  minor: number;
}

/** `8:16`, with or without a newline (/sys/class/block/NAME/dev); undefined when it is anything else. */
export function parseMajMin(text: string): MajMin | undefined {
  const match = /^(\d{1,4}):(\d{1,7})\n?$/.exec(text);
  if (match === null) return undefined;
  const device = { major: Number(match[1]), minor: Number(match[2]) };
  return device.major < 2 ** 12 && device.minor < 2 ** 20 ? device : undefined;
}

/** `8:16` */
export function formatMajMin({ major, minor }: MajMin): string {
  return `${major}:${minor}`;
}
