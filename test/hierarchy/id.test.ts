import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CgError } from '../../src/errors.ts';
import {
  ancestors,
  below,
  childId,
  depthOf,
  isName,
  isWithin,
  nameOf,
  parentId,
  parseCgroupId,
  ROOT,
  tryChildId,
} from '../../src/hierarchy/id.ts';

const ID_INVALID = { code: 'ID_INVALID' };
const NAME = 'x'.repeat(255);

test('an id is what the text says, without empty components', () => {
  for (const [text, id] of [
    ['/', '/'],
    ['//', '/'],
    ['/web', '/web'],
    ['//a///b/', '/a/b'],
    ['/-x', '/-x'],
    ['/...', '/...'],
    ['/.hidden', '/.hidden'],
    ['/a b/<img src=x>', '/a b/<img src=x>'],
    ['/größe/容器', '/größe/容器'],
    [`/${NAME}`, `/${NAME}`],
    ['/sys-devices-\\x2dfoo.device', '/sys-devices-\\x2dfoo.device'],
  ] as const)
    assert.equal(parseCgroupId(text), id);
});

test('an unacceptable id is refused with a reason that is safe to print', () => {
  for (const [text, reason] of [
    ['', /not an absolute path/],
    ['web', /not an absolute path/],
    ['/..', /contains "\.\."/],
    ['/a/../b', /contains "\.\."/],
    ['/a/./b', /contains "\."/],
    ['/a\0b', /control character/],
    ['/a\nb', /control character/],
    ['/a\tb', /control character/],
    ['/\x1b[31m', /"\/\\x1b\[31m"/],
    ['/\x7f', /control character/],
    ['/\x85', /control character/],
    ['/\ud800', /control character/],
    [`/${NAME}x`, /over 255 bytes/],
    [`/${'é'.repeat(128)}`, /over 255 bytes/],
    [`/${NAME}`.repeat(17), /longer than 4096 bytes/],
  ] as const) {
    const refused = { ...ID_INVALID, message: reason };
    assert.throws(() => parseCgroupId(text), refused, JSON.stringify(text));
  }
});

test('a child’s id is one component longer', () => {
  assert.equal(childId(ROOT, 'a'), '/a');
  assert.equal(childId(parseCgroupId('/a'), 'b'), '/a/b');
  for (const name of ['', '.', '..', 'a/b', 'a\n', `${NAME}x`]) {
    assert.throws(() => childId(ROOT, name), ID_INVALID);
    assert.equal(isName(name), false);
    assert.equal(tryChildId(ROOT, name), undefined);
  }
  const deep = parseCgroupId(`/${NAME}`.repeat(16));
  assert.throws(() => childId(deep, 'a'), ID_INVALID);
  assert.equal(tryChildId(deep, 'a'), undefined);
});

test('parents, names, ancestors and depth', () => {
  const id = parseCgroupId('/a/b/c');
  assert.equal(parentId(id), '/a/b');
  assert.equal(parentId(parseCgroupId('/a')), '/');
  assert.equal(parentId(ROOT), undefined);
  assert.equal(nameOf(id), 'c');
  assert.equal(nameOf(ROOT), '');
  assert.deepEqual(ancestors(id), ['/', '/a', '/a/b']);
  assert.deepEqual(ancestors(ROOT), []);
  assert.deepEqual([ROOT, id].map(depthOf), [0, 3]);
});

test('within is a matter of components, not of letters', () => {
  const a = parseCgroupId('/a');
  assert.equal(isWithin(parseCgroupId('/a/b'), a), true);
  assert.equal(isWithin(a, a), true);
  assert.equal(isWithin(parseCgroupId('/ab'), a), false);
  assert.equal(isWithin(a, ROOT), true);
  assert.equal(isWithin(ROOT, a), false);
  assert.equal(below(parseCgroupId('/a/b'), a), '/b');
  assert.equal(below(a, a), '');
  assert.equal(below(ROOT, ROOT), '');
  assert.equal(below(a, ROOT), '/a');
});

test('whatever it is given, an id is clean, or a CgError says why not', () => {
  const nasty = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    fc
      .array(fc.constantFrom('/', '.', '..', '\0', '\n', 'a', 'é', '\ud800', '//'), { maxLength: 30 })
      .map((parts) => `/${parts.join('')}`),
  );
  fc.assert(
    fc.property(nasty, (text) => {
      try {
        const id = parseCgroupId(text);
        assert.equal(parseCgroupId(id), id);
        assert.match(id, /^\/$|^(\/[^/\0\n]+)+$/);
        assert.ok(!id.split('/').some((name) => name === '.' || name === '..'));
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assert.ok(error instanceof CgError && error.code === 'ID_INVALID');
        assert.doesNotMatch(error.message, /\p{Cc}/u);
      }
    }),
  );
});
