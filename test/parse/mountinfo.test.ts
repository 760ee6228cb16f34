import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountinfo } from '../../src/parse/mountinfo.ts';
import { parseFixture, rejects, survives } from './hostile.ts';

test('the mounts of a hybrid host', () => {
  const mounts = parseMountinfo(parseFixture('proc/mountinfo'));
  assert.deepEqual(
    mounts.find(({ mountPoint }) => mountPoint === '/sys/fs/cgroup/systemd'),
    {
      id: 39,
      parent: 30,
      device: '0:36',
      root: '/',
      mountPoint: '/sys/fs/cgroup/systemd',
      options: ['rw', 'relatime'],
      optional: [],
      fsType: 'cgroup',
      source: 'cgroup',
      superOptions: ['rw', 'name=systemd'],
    },
  );
  assert.equal(mounts.filter(({ fsType }) => fsType === 'cgroup').length, 9);
  assert.equal(mounts.filter(({ fsType }) => fsType === 'cgroup2').length, 1);
});

test('blanks in a mount point, a source with a # and an empty source', () => {
  const odd = parseMountinfo(parseFixture('proc/mountinfo')).filter(({ mountPoint }) => mountPoint.endsWith('/a b'));
  assert.deepEqual(
    odd.map(({ source }) => source),
    ['src #1', ''],
  );
});

test('optional fields, escaped commas, and options with blanks', () => {
  // proc_pid_mountinfo(5)
  const [mount] = parseMountinfo(
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n',
  );
  assert.deepEqual(mount?.optional, ['master:1', 'shared:2']);
  assert.equal(mount?.root, '/mnt1');
  const [overlay] = parseMountinfo('1 2 0:3 / / rw - overlay overlay rw,lowerdir=/a\\054b\\134c');
  assert.deepEqual(overlay?.superOptions, ['rw', 'lowerdir=/a,b\\c']);
  const [plan9] = parseMountinfo('1 2 0:3 / /mnt rw - 9p C:\\134 rw,aname=drvfs;path=C:\\Program Files\\x');
  assert.deepEqual(plan9?.superOptions, ['rw', 'aname=drvfs;path=C:\\Program Files\\x']);
});

test('malformed lines are refused', () => {
  for (const line of [
    'x',
    '1 2 0:3 / /a rw',
    '1 2 0:3 / /a rw -',
    '1 2 0:3 / /a rw - t s',
    'x 2 0:3 / /a rw - t s o',
    '1 2 03 / /a rw - t s o',
    '1 2 0:3  /a rw - t s o',
  ]) {
    rejects(() => parseMountinfo(line), 'PARSE', /mountinfo/);
  }
});

test('parseMountinfo survives any text', () => survives(parseMountinfo, 'PARSE', parseFixture('proc/mountinfo')));
