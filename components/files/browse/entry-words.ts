import type { Entry, EntryKind } from '@/lib/files/schema';

const KINDS = {
  file: 'file',
  directory: 'folder',
  link: 'link',
  fifo: 'pipe',
  socket: 'socket',
  device: 'device',
  other: 'unknown entry',
} satisfies Record<EntryKind, string>;

export function kindName({ kind }: Pick<Entry, 'kind'>): string {
  return KINDS[kind];
}

export const UNADDRESSABLE = 'The name is not valid UTF-8, so this entry cannot be opened or downloaded.';

const REFUSALS = {
  file: null,
  directory: 'This is a folder.',
  link: null,
  fifo: 'This is a pipe. Reading it could block or take data from another process.',
  socket: 'This is a socket. It has no content.',
  device: 'This is a device. Reading it could change its state or never end.',
  other: 'The kind of this entry is unknown.',
} satisfies Record<EntryKind, string | null>;

const TARGET_REFUSALS = {
  file: null,
  directory: 'This is a link to a folder.',
  other: 'This is a link to a pipe, socket or device.',
  nothing: 'This link is broken: its target does not exist or is circular.',
} satisfies Record<NonNullable<Entry['leadsTo']>, string | null>;

/** Why the content of an entry cannot be read, or `null`. */
export function contentRefusal({ kind, leadsTo, isAddressable }: Entry): string | null {
  if (!isAddressable) return UNADDRESSABLE;
  return leadsTo === null ? REFUSALS[kind] : TARGET_REFUSALS[leadsTo];
}
