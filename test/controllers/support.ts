/** Values for every type, and a knob's slots. */
import fc from 'fast-check';
import type { Knob, Slot, Value, ValueType } from '../../src/controllers/controller.ts';
import { alternatives } from '../../src/controllers/controller.ts';

export const slotsOf = ({ v1, v2 }: Knob): Slot[] => [...alternatives(v1), ...alternatives(v2)];

/** Values within a type's range, no limit among them where the type has it. Keys are such as need no look at the machine. */
export function valuesOf(type: ValueType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'int':
      return orNone(type, fc.integer({ min: type.min, max: Math.min(type.max, Number.MAX_SAFE_INTEGER) }));
    case 'bytes':
      return orNone(type, fc.integer({ min: type.min ?? 0, max: type.max ?? Number.MAX_SAFE_INTEGER }));
    case 'decimal': {
      const scale = 10 ** (type.decimals ?? 3);
      const whole = fc.integer({ min: Math.ceil(type.min * scale), max: Math.floor(type.max * scale) });
      return orNone(
        type,
        whole.map((value) => Number((value / scale).toFixed(type.decimals ?? 3))),
      );
    }
    case 'bool':
      return fc.boolean();
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'list':
      return fc.uniqueArray(fc.nat(1023)).map((numbers) => numbers.sort((a, b) => a - b));
    case 'text':
      return fc.constant(type.example);
    case 'rules':
      return fc.array(fc.constantFrom(type.example, 'a', 'b *:* r'), { minLength: 1 });
    case 'map':
      return fc
        .array(fc.tuple(keysOf[type.key], valuesOf(type.value)), { minLength: 1 })
        .map((entries): Value => new Map(entries));
    case 'record': {
      const fields = Object.entries(type.fields);
      return fc
        .tuple(fc.subarray(fields, { minLength: 1 }), fc.tuple(...fields.map(([, field]) => valuesOf(field))))
        .map(
          ([chosen, values]): Value => new Map(chosen.map((field) => [field[0], values[fields.indexOf(field)] ?? 0])),
        );
    }
  }
}

const keysOf = {
  device: fc.tuple(fc.nat(4095), fc.nat(1048575)).map(([major, minor]) => `${major}:${minor}`),
  pagesize: fc.constantFrom('64KB', '2MB', '1GB'),
  interface: fc.constantFrom('eth0', 'lo', '__proto__'),
  resource: fc.constantFrom('sev', 'mlx4_0', 'drm/0000:03:00.0/vram0', '__proto__'),
};

const orNone = (type: { unlimited?: boolean }, values: fc.Arbitrary<number>): fc.Arbitrary<number> =>
  type.unlimited ? fc.oneof({ weight: 4, arbitrary: values }, fc.constant(Number.POSITIVE_INFINITY)) : values;
