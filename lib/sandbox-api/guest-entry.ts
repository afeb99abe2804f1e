import 'server-only';
import { z } from 'zod';
import type { Entry, EntryKind } from '../sandbox/guest-file';

/**
 * `filesystem.EntryInfo` in proto3 JSON form: defaults are left out, 64-bit numbers are text
 * (docs/protocol.md#envd-filesystem-messages).
 */
const WireEntry = z.object({
  name: z.string(),
  type: z.string().default(''),
  size: z.union([z.string(), z.number()]).default(0),
  permissions: z.string().default(''),
  owner: z.string().default(''),
  group: z.string().default(''),
  modifiedTime: z.string().default(''),
  symlinkTarget: z.string().optional(),
});
type WireEntry = z.infer<typeof WireEntry>;

/** What stands for bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD';

/** One entry of the folder at `folderPath`, or `null` for what cannot be one. */
export function readWireEntry(value: unknown, folderPath: string): Entry | null {
  const parsed = WireEntry.safeParse(value);
  if (!parsed.success) return null;
  const { name } = parsed.data;
  // What lies elsewhere would be shown here as if it were in this folder.
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) return null;
  return describe(parsed.data, `${folderPath.replace(/\/+$/, '')}/${name}`);
}

/** What was said of the entry at `path`. @throws when it was not said in the form of the protocol */
export function entryOf(value: unknown, path: string): Entry {
  return describe(WireEntry.parse(value), path);
}

function describe(wire: WireEntry, path: string): Entry {
  const kind = kindOf(wire);
  const size = Number(wire.size);
  const modifiedAtMs = Date.parse(wire.modifiedTime);
  return {
    name: wire.name,
    path,
    kind,
    leadsTo: kind === 'link' ? leadsTo(wire) : null,
    linkTarget: (kind === 'link' ? wire.symlinkTarget : undefined) ?? null,
    sizeBytes: Number.isFinite(size) && size > 0 ? size : 0,
    permissions: wire.permissions,
    owner: wire.owner,
    group: wire.group,
    modifiedAtMs: Number.isNaN(modifiedAtMs) ? 0 : modifiedAtMs,
    isAddressable: !path.includes(REPLACEMENT),
  };
}

const KINDS: readonly (readonly [letter: string, kind: EntryKind])[] = [
  ['d', 'directory'],
  ['L', 'link'],
  ['D', 'device'],
  ['p', 'fifo'],
  ['S', 'socket'],
  ['?', 'other'],
];

/** Go writes the kind and the special bits before the nine letters; a file is what has no letter of another kind. */
function kindOf({ permissions, type }: WireEntry): EntryKind {
  if (permissions.length >= 10) {
    const marks = permissions.slice(0, -9);
    return KINDS.find(([letter]) => marks.includes(letter))?.[1] ?? 'file';
  }
  if (type === 'FILE_TYPE_FILE') return 'file';
  if (type === 'FILE_TYPE_SYMLINK') return 'link';
  return type === 'FILE_TYPE_DIRECTORY' ? 'directory' : 'other';
}

/** A link has the type of what it leads to, and a target only where that is there. */
function leadsTo({ type, symlinkTarget }: WireEntry): Entry['leadsTo'] {
  if (type === 'FILE_TYPE_FILE') return 'file';
  if (type === 'FILE_TYPE_DIRECTORY') return 'directory';
  return symlinkTarget === undefined ? 'nothing' : 'other';
}
