/** The client as other programs get it: by name, with its types, and the example without it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { service } from '../server/service.ts';
import { projectRoot } from '../support/files.ts';
import { realKernel, temporary, until } from '../support/host.ts';

const PROGRAM = `
import { AnswerError, Client, LiveTree, type LiveTable, type ServerMessage } from 'cgctl/client';
import { WebSocket } from 'ws';

const url: string = process.argv[2] ?? '';
const client = new Client({ url, socket: (to, protocols) => new WebSocket(to, protocols) });
const live = client.live(
  { intervalMs: 100, columns: ['pids'] },
  {
    table: ({ rows, values }: LiveTable) => {
      console.log(JSON.stringify({ id: rows[0]?.id, columns: values.length }));
      live.close();
    },
  },
);
await client.get('/api/v1/cgroups/no-such-group').catch((error: unknown) => {
  if (error instanceof AnswerError) console.log(error.code);
});
export const follow = (message: ServerMessage): LiveTable | undefined =>
  message.type === 'snapshot' ? new LiveTree().apply(message) : undefined;
`;

/** A program's folder, with cgctl as it is installed. */
function installed(t: TestContext): string {
  const folder = temporary(t);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@types'), { recursive: true });
  symlinkSync(projectRoot, join(modules, 'cgctl'));
  for (const name of ['ws', '@types/ws', '@types/node'])
    symlinkSync(join(projectRoot, 'node_modules', name), join(modules, name));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
  return folder;
}

realKernel('a program that imports cgctl/client passes the compiler and runs', async (t) => {
  const { url } = await service(t);
  const folder = installed(t);
  execFileSync(
    process.execPath,
    ['-e', "import('./scripts/build.mjs').then((m) => m.makeClientTypes() || process.exit(1))"],
    {
      cwd: projectRoot,
      stdio: 'pipe',
    },
  );
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--outDir', 'out'];
  execFileSync(process.execPath, [join(projectRoot, 'node_modules/typescript/bin/tsc'), ...options, 'program.ts'], {
    cwd: folder,
    stdio: 'pipe',
  });
  const said = await output(t, join(folder, 'out/program.js'), url, (text) => text.trim().split('\n').length >= 2);
  assert.deepEqual(said.trim().split('\n').sort(), ['NOT_FOUND', '{"id":"/","columns":1}']);
});

realKernel('the example shows who uses most CPU', async (t) => {
  const { url } = await service(t);
  const said = await output(t, join(projectRoot, 'examples/stream.mjs'), url, (text) => text.split('\n\n').length > 3);
  assert.match(said, /^\d+\.\d{3} "\/"$/m);
});

test('the document shows the example as it is', () => {
  const example = readFileSync(join(projectRoot, 'examples/stream.mjs'), 'utf8');
  assert.ok(readFileSync(join(projectRoot, 'docs/STREAM.md'), 'utf8').includes(`\`\`\`js\n${example}\`\`\`\n`));
});

/** What a program says until it is enough. */
async function output(t: TestContext, file: string, url: string, enough: (text: string) => boolean): Promise<string> {
  const child = spawn(process.execPath, [file, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await until(() => enough(text) || child.exitCode !== null);
  assert.ok(child.exitCode === null || child.exitCode === 0, `it ended with ${child.exitCode}`);
  return text;
}
