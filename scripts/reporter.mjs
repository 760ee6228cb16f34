/** Node's spec reporter, with its closing lines as "# tests 12", the form that machines read. */
import { Readable } from 'node:stream';
import { spec as Spec } from 'node:test/reporters';

const CLOSING = /^(?:\x1b\[\d+m)*ℹ (?=(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) )/gm;

export default async function* reporter(events) {
  for await (const chunk of Readable.from(events).pipe(new Spec())) yield String(chunk).replace(CLOSING, '# ');
}
