/** Who else writes to a group, as notes in a plan: with the owner's own command for the same thing. */
import type { Registry } from '../controllers/registry.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { type Owner, ownerOf } from '../identity/runtime.ts';
import { quoteArg } from '../parse/printable.ts';
import type { Note } from '../protocol/plan.ts';

/**
 * What the owner of a group means for a change of these knobs: a refusal where the owner will write over it (systemd at its next
 * daemon-reload, the kubelet at its next sync), a warning where it will not but holds other values.
 */
export function ownerNotes(host: Host, registry: Registry, id: CgroupId, knobs: Iterable<string>): readonly Note[] {
  const owner = ownerOf(host, id);
  const { why } = owner;
  switch (owner.owner) {
    case 'none':
      return [];
    case 'systemd':
      return [
        {
          level: 'refusal',
          cgroup: id,
          text: `${why}, which will write its own values again: ${systemctl(registry, owner, knobs)}`,
        },
      ];
    case 'kubelet':
      return [
        {
          level: 'refusal',
          cgroup: id,
          text: `${why}, and the kubelet will write its own values again: change the pod's resources instead`,
        },
      ];
    default:
      return [
        {
          level: 'warning',
          cgroup: id,
          text: `${why}, which keeps other values in its own books: "${owner.owner} update" changes both`,
        },
      ];
  }
}

function systemctl(registry: Registry, { unit = '' }: Owner, knobs: Iterable<string>): string {
  const properties = [...new Set([...knobs].flatMap((key) => registry.findKnob(key)?.knob.systemd ?? []))];
  if (properties.length === 0) return 'it has no property for this';
  return `use "systemctl set-property --runtime ${quoteArg(unit)} ${properties.map((name) => `${name}=…`).join(' ')}"`;
}
