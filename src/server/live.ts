/** The configuration in force, followed while its file changes: a bad edit changes nothing, and is told. */
import { dirname, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { Logger } from 'pino';
import { CgError } from '../errors.ts';
import { type Config, loadConfig, needingRestart, type Sources, withoutRestart } from './config.ts';

/** A file that is written in several steps is read when it has been left alone for so long. */
const SETTLE_MS = 50;

export class LiveConfig {
  readonly #sources: Sources;
  readonly #log: Logger;
  #current: Config;
  #problem: CgError | undefined;
  #restart: readonly string[] = [];
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @throws CgError CONFIG */
  constructor(sources: Sources, log: Logger) {
    this.#sources = sources;
    this.#log = log;
    this.#current = loadConfig(sources);
    this.#apply(this.#current);
  }

  get current(): Config {
    return this.#current;
  }

  /** What is wrong with the file as it is now; the configuration of before is in force. */
  get problem(): CgError | undefined {
    return this.#problem;
  }

  /** Settings that the file changes and that wait for a restart. */
  get restart(): readonly string[] {
    return this.#restart;
  }

  /** Editors replace the file, and a mount may swap it: its folder is watched, not the file that is there now. */
  async follow(): Promise<void> {
    if (this.#sources.file === undefined) return;
    const file = resolve(this.#sources.file);
    const folder = dirname(file);
    const watcher = watch(folder, {
      depth: 0,
      ignoreInitial: true,
      ignored: (path) => path !== folder && path !== file,
    });
    this.#watcher = watcher;
    watcher.on('all', () => this.#later());
    watcher.on('error', (error) => this.#log.error({ err: error }, 'the configuration file cannot be watched'));
    await new Promise<void>((ready) => watcher.once('ready', ready));
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#watcher?.close();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reload(), SETTLE_MS);
  }

  #reload(): void {
    try {
      const next = loadConfig(this.#sources);
      this.#problem = undefined;
      this.#restart = needingRestart(this.#current, next);
      this.#apply(withoutRestart(this.#current, next));
      this.#log.info({ waitingForRestart: this.#restart }, 'configuration read again');
      if (this.#restart.length > 0) this.#log.warn(`to change ${this.#restart.join(', ')}, restart the service`);
    } catch (error) {
      if (!(error instanceof CgError)) throw error;
      this.#problem = error;
      this.#log.error(error.toJSON(), 'the new configuration is wrong; the old one stays in force');
    }
  }

  #apply(config: Config): void {
    this.#current = config;
    this.#log.level = config.logLevel;
  }
}
