/** A class id on the packets of a group, for tc filters and netfilter. */
import { controller, knob } from './controller.ts';
import { classIdNumber, tcHandle } from './convert.ts';

export const netCls = controller(() => ({
  name: 'net_cls',
  summary: 'Class id of network packets',
  v1: 'net_cls',
  doc: 'Documentation/admin-guide/cgroup-v1/net_cls.rst',
  unsupported: { v2: 'v2 has no class ids: match the group itself, with "socket cgroupv2" in nftables or with eBPF' },
  knobs: {
    classid: knob<string>({
      flag: '--net-cls-classid',
      type: { kind: 'text', pattern: /^(?:0x[\da-f]{1,8}|\d{1,10}|[\da-f]{1,4}:[\da-f]{1,4})$/i, example: '10:1' },
      help: 'tc handle on outgoing packets: MAJOR:MINOR in hexadecimal as tc has it, 0xAAAABBBB, or a decimal number; 0 is none',
      v1: {
        file: 'net_cls.classid',
        encode: classIdNumber,
        decode: tcHandle,
        conversion: 'tcHandle: MAJOR:MINOR, both hexadecimal, is MAJOR·65536 + MINOR',
      },
    }),
  },
}));
