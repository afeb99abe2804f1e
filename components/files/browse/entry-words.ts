import type { Entry, EntryKind } from '@/lib/files/schema';

const KINDS = {
  file: 'file',
  directory: 'folder',
  link: 'link',
  fifo: 'pipe',
  socket: 'socket',
  device: 'device',
  other: 'entry of an unknown kind',
} satisfies Record<EntryKind, string>;

/** What an entry is, in a word. */
export function kindName({ kind }: Pick<Entry, 'kind'>): string {
  return KINDS[kind];
}

export const UNADDRESSABLE =
  'Its name is no valid UTF-8. It cannot be asked for by name, so neither opened nor downloaded here.';

const NO_BYTES = {
  file: null,
  directory: 'This is a folder.',
  link: null,
  fifo: 'This is a pipe: reading it would take something from whoever it is meant for, or wait for ever.',
  socket: 'This is a socket: there is nothing to read in it.',
  device: 'This is a device: reading it could change something, or never end.',
  other: 'Nothing is known about this kind of entry.',
} satisfies Record<EntryKind, string | null>;

const LEADS_NOWHERE = {
  file: null,
  directory: 'This link leads to a folder.',
  other: 'This link leads to a pipe, a socket or a device.',
  nothing: 'This link leads nowhere: its target is gone, or it goes round in a circle.',
} satisfies Record<NonNullable<Entry['leadsTo']>, string | null>;

/** Why there are no bytes to be had from an entry, or `null`. */
export function contentRefusal({ kind, leadsTo, isAddressable }: Entry): string | null {
  if (!isAddressable) return UNADDRESSABLE;
  return leadsTo === null ? NO_BYTES[kind] : LEADS_NOWHERE[leadsTo];
}
