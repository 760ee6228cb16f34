/**
 * A reporter for node's test runner, for another test runner to read: lines of JSON, each after a record separator
 * (RFC 7464), so that other output may stand between them. It is plain JavaScript: the runner loads it as it is.
 *
 * `{begun, clock}` the kernel's release and the time in ms, first, and `{ended}` the time, last; `{file, path, ms}` a test
 * that passed, with `skip` (the reason) one that did not run, with `error` one that failed; `{fact}` what the last one reported
 * by `t.diagnostic('cgctl:…')`; `{absent}` why it had nothing to test, said by `t.diagnostic('absent by kernel: …')`.
 * A suite is a file, named by its path. What only holds tests is left out, unless it failed by itself.
 */
import { release } from 'node:os';
import { inspect } from 'node:util';

const FACT = 'cgctl:';
const ABSENT = 'absent by kernel: ';

export default async function* reporter(events) {
  yield line({ begun: release(), clock: Date.now() });
  let path = [];
  let deepest = 0;
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      path = [...path.slice(0, data.nesting), data.name];
      deepest = data.nesting;
    } else if (type === 'test:pass' || type === 'test:fail') {
      const error = data.details.error;
      const holds = deepest > data.nesting || data.details.type === 'suite';
      const own = type === 'test:fail' && error?.failureType !== 'subtestsFailed';
      path = [...path.slice(0, data.nesting), data.name];
      // A test's own data.file is where test() is called.
      const [file, ...names] = path;
      if (!holds || own) yield line({ file, path: names, ...result(data, own ? error : undefined) });
      deepest = data.nesting;
    } else if (type === 'test:diagnostic' && data.message.startsWith(FACT)) {
      yield line({ fact: JSON.parse(data.message.slice(FACT.length)) });
    } else if (type === 'test:diagnostic' && data.message.startsWith(ABSENT)) {
      yield line({ absent: data.message.slice(ABSENT.length) });
    }
  }
  yield line({ ended: Date.now() });
}

function result({ skip, details }, error) {
  return {
    ms: Math.round(details.duration_ms),
    ...(skip === undefined || skip === false ? {} : { skip: skip === true ? '' : skip }),
    ...(error === undefined ? {} : { error: inspect(error.cause instanceof Error ? error.cause : error) }),
  };
}

function line(record) {
  return `\x1e${JSON.stringify(record)}\n`;
}
