/** What holds the house together: imports point one way, no room names a controller, nothing is waved through. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { defaultRegistry } from '../src/controllers/index.ts';
import { projectRoot } from './support/files.ts';

const SRC = join(projectRoot, 'src');
/** Each room may import itself and those before it; `=` are neighbours that may not import one another. */
const ORDER = [
  'parse',
  'controllers',
  'hierarchy',
  'protocol',
  'view',
  'control=monitor',
  'identity',
  'client',
  'verbs',
  'exporters',
  'server',
  'cli',
];
/** Rooms that also live outside of the service, in a browser or in another program: what they may import. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  view: ['protocol'],
  client: ['protocol'],
  web: ['protocol', 'view', 'client'],
};

interface Source {
  readonly path: string;
  readonly room: string | undefined;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, to = '']) =>
      normalize(join(dirname(path), to)),
    );
    return { path, room: path.includes('/') ? path.split('/')[0] : undefined, text, imports };
  });

const rank = (room: string): number => ORDER.findIndex((entry) => entry.split('=').includes(room));

test('imports point one way through the rooms', () => {
  const wrong = sources.flatMap(({ path, room, imports }) =>
    imports.flatMap((to) => {
      const target = to.includes('/') ? to.split('/')[0] : undefined;
      if (target === undefined || target === room) return [];
      if (room === undefined) return [`${path} (a leaf) imports ${to}`];
      const allowed = OUTSIDE[room];
      if (allowed !== undefined) return allowed.includes(target) ? [] : [`${path} imports ${to}`];
      assert.ok(rank(room) >= 0, `${room} is a room`);
      return rank(target) >= 0 && rank(target) < rank(room) ? [] : [`${path} imports ${to}`];
    }),
  );
  assert.deepEqual(wrong, []);
});

test('there is no cycle', () => {
  const graph = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(path), `a cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
    if (done.has(path)) return;
    for (const to of graph.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
});

test('no room but the declarations names a controller or one of its files', () => {
  const names = new Set(
    defaultRegistry.controllers
      .flatMap(({ name, v1, v2 }) => [name, v1, v2])
      .filter((n) => n !== undefined && !['core', 'every'].includes(n)),
  );
  const named = sources
    .filter(({ room }) => room !== undefined && !['controllers', 'parse'].includes(room))
    .flatMap(({ path, text }) =>
      // code only: words for people stand in comments and in texts with blanks
      [...text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').matchAll(/'([a-z_]+)((?:\.[\w.{}]+)?)'/g)]
        .filter(
          ([, head = '', tail = '']) => names.has(head) && !ROLES.has(head + tail) && !WORDS.has(`${path}:${head}`),
        )
        .map(([literal]) => `${relative('.', path)}: ${literal}`),
    );
  assert.deepEqual(named, []);
});

/** What a figure is, by which other rooms find it. */
const ROLES: ReadonlySet<string> = new Set(
  [
    ...defaultRegistry.allStats().map(({ stat }) => stat.role),
    ...defaultRegistry.allKnobs().map(({ knob }) => knob.role),
  ].filter((role) => role !== undefined),
);

/** Words that only look like a controller's name. */
const WORDS: ReadonlySet<string> = new Set([
  'monitor/formats.ts:psi', // a format
  'hierarchy/topology.ts:cpu', // /sys/devices/system/cpu
]);

test('types are not waved through and errors are not swallowed', () => {
  const tests = readdirSync(join(projectRoot, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'house.test.ts')
    .map((name) => ({ path: `test/${name}`, text: readFileSync(join(projectRoot, 'test', name), 'utf8') }));
  const pattern =
    /(: any\b|<any>|\bas any\b|as unknown as|@ts-ignore|@ts-nocheck|@ts-expect-error|biome-ignore|catch *(\([^)]*\))? *\{ *\})/;
  const wrong = [...sources, ...tests].flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, n) => (pattern.test(line) ? [`${path}:${n + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(wrong, []);
});
