/** A terminal of a test's own, with the program on it as people see it: tmux(1) plays the terminal and the shell's job control. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../support/files.ts';
import { atEnd, needsCgroups, needsRoot, TEST_TIMEOUT_MS, temporary } from '../support/host.ts';

/** The reason why a test that needs a terminal cannot run, or undefined. */
export function needsTmux(): string | undefined {
  return spawnSync('tmux', ['-V']).error === undefined ? undefined : 'no tmux (apt-get install tmux)';
}

export const lacking = needsTmux() ?? needsRoot() ?? needsCgroups();

/** Asking tmux takes a few milliseconds of a processor. */
const POLL_MS = 50;
/** Well before the test's own end: what was on the screen is told while somebody listens. */
const PATIENCE_MS = TEST_TIMEOUT_MS / 2;

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export class Terminal {
  #socket = '';
  readonly #env: Readonly<Record<string, string>>;

  constructor(t: TestContext, { columns = 100, rows = 24, env = {} }: TerminalOptions = {}) {
    // Before the folder goes, with its socket.
    atEnd(t, () => void this.#tmux('kill-server'));
    const folder = temporary(t);
    this.#socket = join(folder, 'tmux');
    this.#env = {
      LANG: 'C.UTF-8',
      TERM: 'tmux-256color',
      HOME: folder,
      PS1: '$ ',
      HISTFILE: '',
      CGCTL_LOCK_DIR: join(folder, 'lock'),
      PATH: process.env.PATH ?? '',
      ...env,
    };
    mkdirSync(join(folder, 'bin'));
    // As it is installed: whatever the shell is told to run finds it by its name.
    writeFileSync(
      join(folder, 'bin/cgctl'),
      `#!/bin/sh\nexec '${process.execPath}' '${join(projectRoot, 'bin/cgctl')}' "$@"\n`,
      { mode: 0o755 },
    );
    this.#env = { ...this.#env, PATH: `${join(folder, 'bin')}:${this.#env.PATH}` };
    const size = ['-x', String(columns), '-y', String(rows)];
    const variables = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`);
    const shell = ['env', '-i', ...variables, 'bash', '--norc', '--noprofile', '-i'];
    const { status, stderr } = this.#tmux('-f', '/dev/null', '-u', 'new-session', '-d', ...size, ...shell);
    assert.equal(status, 0, stderr);
  }

  /** What is on the screen, a line each, without blanks at the ends. */
  get lines(): string[] {
    const { stdout } = this.#tmux('capture-pane', '-p');
    return stdout.split('\n').map((line) => line.trimEnd());
  }

  /** The same, with its colours. */
  get coloured(): string {
    return this.#tmux('capture-pane', '-p', '-e').stdout;
  }

  /** Whether the program has taken the whole screen. */
  get taken(): boolean {
    return this.#tmux('display-message', '-p', '#{alternate_on}').stdout.trim() === '1';
  }

  get cursorIsShown(): boolean {
    return this.#tmux('display-message', '-p', '#{cursor_flag}').stdout.trim() === '1';
  }

  /** tmux's names of keys: `Enter`, `C-c`, `j`. */
  hit(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', '--', text);
  }

  /** What is typed before the prompt is there would stand on the screen twice. */
  async run(command: string): Promise<void> {
    await this.prompts();
    this.type(command);
    this.hit('Enter');
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Waits until a line looks so. @returns what the pattern found */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | undefined;
    await this.until((lines) => {
      found = match(lines, pattern);
      return found !== undefined;
    });
    assert.ok(found);
    return found;
  }

  /** Waits until no line looks so. */
  async hides(pattern: RegExp): Promise<void> {
    await this.until((lines) => !lines.some((line) => pattern.test(line)));
  }

  /** Waits for the shell's prompt, as the last thing on the screen. */
  async prompts(): Promise<void> {
    await this.until((lines) => !this.taken && /^\$$/.test(lines.filter((line) => line !== '').at(-1) ?? ''));
  }

  /** Waits until something holds. @throws AssertionError that says what was on the screen instead */
  async until(holds: (lines: readonly string[]) => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    let lines = this.lines;
    while (!holds(lines)) {
      assert.ok(performance.now() < deadline, `it did not come; this is on the screen:\n${lines.join('\n')}`);
      await sleep(POLL_MS);
      lines = this.lines;
    }
  }

  #tmux(...args: string[]) {
    return spawnSync('tmux', ['-S', this.#socket, ...args], {
      encoding: 'utf8',
      env: { ...process.env, LANG: 'C.UTF-8', TMUX: '' },
    });
  }
}

function match(lines: readonly string[], pattern: RegExp): RegExpExecArray | undefined {
  for (const line of lines) {
    const found = pattern.exec(line);
    if (found !== null) return found;
  }
  return undefined;
}
