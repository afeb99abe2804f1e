import 'server-only';
import { z } from 'zod';
import type { Entry, EntryKind } from '../sandbox/file';

/**
 * `filesystem.EntryInfo` as proto3 JSON: default values are absent, 64-bit numbers are strings
 * (docs/protocol.md#envd-filesystem-messages).
 */
const WireEntry = z.object({
  name: z.string(),
  path: z.string().optional(),
  type: z.string().default(''),
  size: z.union([z.string(), z.number()]).default(0),
  permissions: z.string().default(''),
  owner: z.string().default(''),
  group: z.string().default(''),
  modifiedTime: z.string().default(''),
  symlinkTarget: z.string().optional(),
});
type WireEntry = z.infer<typeof WireEntry>;

/** Stands for bytes that are not valid UTF-8. */
const REPLACEMENT = '\uFFFD';

/** Parses one entry of the folder at `folderPath`. `null` if it is malformed. */
export function readWireEntry(value: unknown, folderPath: string): Entry | null {
  const parsed = WireEntry.safeParse(value);
  if (!parsed.success) return null;
  const { name } = parsed.data;
  // These names would point outside the folder.
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) return null;
  return describe(parsed.data, `${folderPath.replace(/\/+$/, '')}/${name}`);
}

/** Parses the entry at `path`. @throws ZodError if it is malformed */
export function entryOf(value: unknown, path: string): Entry {
  return describe(WireEntry.parse(value), path);
}

function describe(wire: WireEntry, path: string): Entry {
  const kind = kindOf(wire);
  const target = targetOf(wire, path);
  const size = Number(wire.size);
  const modifiedAtMs = Date.parse(wire.modifiedTime);
  return {
    name: wire.name,
    path,
    kind,
    leadsTo: kind === 'link' ? targetKindOf(wire, target) : null,
    linkTarget: kind === 'link' ? target : null,
    sizeBytes: Number.isSafeInteger(size) && size > 0 ? size : 0,
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

/** Go writes letters for the kind and the special bits before the nine permission letters. Regular files have no kind. */
function kindOf({ permissions, type }: WireEntry): EntryKind {
  if (permissions.length >= 10) {
    const letters = permissions.slice(0, -9);
    return KINDS.find(([letter]) => letters.includes(letter))?.[1] ?? 'file';
  }
  if (type === 'FILE_TYPE_FILE') return 'file';
  if (type === 'FILE_TYPE_SYMLINK') return 'link';
  return type === 'FILE_TYPE_DIRECTORY' ? 'directory' : 'other';
}

/**
 * Where a link leads. A daemon reports a broken or circular link without a target, or as its own target
 * (docs/protocol.md#envd-entry-info): both are `null`.
 */
function targetOf({ symlinkTarget, path: ownPath = '' }: WireEntry, path: string): string | null {
  const isItself = symlinkTarget === path || symlinkTarget === ownPath;
  return symlinkTarget === undefined || symlinkTarget === '' || isItself ? null : symlinkTarget;
}

/** envd reports the type of a link's target instead of the link's own. */
function targetKindOf({ type }: WireEntry, target: string | null): Entry['leadsTo'] {
  if (type === 'FILE_TYPE_FILE') return 'file';
  if (type === 'FILE_TYPE_DIRECTORY') return 'directory';
  return target === null ? 'nothing' : 'other';
}
