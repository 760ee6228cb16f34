import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { mountOf, scratch, temporary } from '../support/host.ts';
import { realNative, theNative } from './the-native.ts';

const NAME = 'trusted.cgctl.test';

for (const hierarchy of ['memory', 'cgroup2']) {
  realNative(
    `an attribute of a cgroup is set, read, replaced and removed (${hierarchy})`,
    (t) => {
      const { getxattr, setxattr, removexattr } = theNative();
      const group = join(mountOf(hierarchy), scratch(t).path);
      mkdirSync(group);
      assert.equal(getxattr(group, NAME), undefined);
      assert.equal(removexattr(group, NAME), false);

      for (const value of [Buffer.from('{"cpu.shares":"512"}'), Buffer.alloc(0), Buffer.alloc(3000, 0xff)]) {
        setxattr(group, NAME, value);
        assert.deepEqual(getxattr(group, NAME), value);
      }
      assert.equal(removexattr(group, NAME), true);
      assert.equal(getxattr(group, NAME), undefined);
    },
    [hierarchy],
  );
}

realNative(
  'what fails says what and where',
  (t) => {
    const { getxattr, setxattr } = theNative();
    const path = join(mountOf('cgroup2'), scratch(t).path);
    const error = { code: 'ENOENT', errno: -2, syscall: 'getxattr', path };
    assert.throws(() => getxattr(path, NAME), error);
    assert.throws(() => setxattr(path, NAME, Buffer.alloc(1)), { ...error, syscall: 'setxattr' });
    assert.throws(() => getxattr(`${path}\0`, NAME), TypeError);
    assert.throws(() => setxattr(path, `${NAME}\0`, Buffer.alloc(1)), TypeError);
  },
  ['cgroup2'],
);

realNative(
  'a file system without such attributes has none, and links are not followed',
  (t) => {
    const { getxattr, setxattr } = theNative();
    const group = join(mountOf('cgroup2'), scratch(t).path);
    mkdirSync(group);
    setxattr(group, NAME, Buffer.from('here'));
    const link = join(temporary(t), 'link');
    symlinkSync(group, link);
    assert.equal(getxattr(link, NAME), undefined);
    assert.equal(getxattr('/proc/self', NAME), undefined);
  },
  ['cgroup2'],
);
