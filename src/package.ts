/** The package that this program is part of: the clone, or where npm has installed it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Its folder: the nearest one above with a package.json. Sources, bundles and bundled tests lie at different depths below it. */
export function packageRoot(from: string = import.meta.dirname): string {
  const above = dirname(from);
  return existsSync(join(from, 'package.json')) || above === from ? from : packageRoot(above);
}

export function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version;
}
