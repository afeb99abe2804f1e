import { copyText } from '@/components/ui/copy-button';
import type { MenuAct } from '@/components/ui/menu-act';
import type { ConnectionKind } from '@/lib/connection';
import { fileAddresses } from '@/lib/files/addresses';
import { isFolder } from '@/lib/files/browse/order';
import { changeRefusal } from '@/lib/files/change/names';
import type { Entry } from '@/lib/files/schema';
import { DOWNLOAD_LANGUAGES, type DownloadLanguage, downloadCode } from '@/lib/files/transfer/download-code';
import { fleets } from '@/lib/fleet/fleets';
import { type Role, roleSuffices } from '@/lib/roles';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';
import { contentRefusal, UNADDRESSABLE } from './entry-words';

const LANGUAGES = { python: 'Python', typescript: 'TypeScript' } satisfies Record<DownloadLanguage, string>;

/** Why `role` may not read file contents, or `null`. The server checks it too. */
export function readRefusal(role: Role): string | null {
  return roleSuffices(role, 'operator') ? null : 'Requires the operator role.';
}

/** Which SDK its code needs. */
function kindOf(key: SandboxKey): ConnectionKind {
  const { connections } = fleets().view();
  return connections.find(({ name }) => name === connectionOf(key))?.kind ?? 'moru';
}

type Handlers = {
  onGoInto: (path: string) => void;
  onShow: (entry: Entry) => void;
  onArchive: (entries: readonly Entry[]) => void;
  onUpload: (folder: string) => void;
  onNewFolder: (folder: string) => void;
  onRename: (entry: Entry) => void;
  onDelete: (entries: readonly Entry[]) => void;
};

type Context = {
  sandboxKey: SandboxKey;
  role: Role;
  /** Why nothing can be changed now, or `null`. */
  forbidden: string | null;
  handlers: Handlers;
};

/** Why an entry cannot be renamed or deleted, or `null`. */
export function changeRefusalOf({ path, isAddressable }: Entry): string | null {
  return isAddressable ? changeRefusal(path) : UNADDRESSABLE;
}

export function entryActions(entries: readonly Entry[], context: Context): MenuAct[] {
  const [only, ...others] = entries;
  if (only === undefined) return [];
  return others.length === 0 ? actionsForOne(only, context) : actionsForSeveral(entries, context);
}

function actionsForOne(entry: Entry, { sandboxKey, role, forbidden, handlers }: Context): MenuAct[] {
  const { path, name } = entry;
  const unaddressable = entry.isAddressable ? null : UNADDRESSABLE;
  const notRead = unaddressable ?? readRefusal(role);
  const notChanged = changeRefusalOf(entry) ?? forbidden;
  const noBytes = contentRefusal(entry) ?? readRefusal(role);
  const isLink = entry.kind === 'link' ? 'Archives leave out links. Download the target instead.' : null;
  const first: MenuAct[] = isFolder(entry)
    ? [
        { label: 'Open folder', onActivate: () => handlers.onGoInto(path), disabledReason: unaddressable },
        { label: 'Details', onActivate: () => handlers.onShow(entry), disabledReason: unaddressable },
        {
          label: 'Download as an archive…',
          onActivate: () => handlers.onArchive([entry]),
          disabledReason: notRead ?? isLink,
        },
        {
          label: 'Upload here…',
          onActivate: () => handlers.onUpload(path),
          disabledReason: notRead ?? forbidden,
        },
        {
          label: 'New folder here…',
          onActivate: () => handlers.onNewFolder(path),
          disabledReason: notRead ?? forbidden,
        },
      ]
    : [
        { label: 'Open', onActivate: () => handlers.onShow(entry), disabledReason: unaddressable },
        {
          label: 'Download',
          onActivate: () => downloadFile(sandboxKey, path),
          disabledReason: noBytes,
        },
        {
          label: 'Download as an archive…',
          onActivate: () => handlers.onArchive([entry]),
          disabledReason: noBytes ?? isLink,
        },
      ];
  const code = DOWNLOAD_LANGUAGES.map(
    (language): MenuAct => ({
      label: `Copy ${LANGUAGES[language]} download code`,
      onActivate: () =>
        void copyText(
          downloadCode(sandboxKey, path, language, kindOf(sandboxKey)),
          `the ${LANGUAGES[language]} code`,
        ),
    }),
  );
  return [
    ...first,
    {
      label: 'Copy path',
      onActivate: () => void copyText(path, 'the path'),
      disabledReason: unaddressable,
      separated: true,
    },
    { label: 'Copy name', onActivate: () => void copyText(name, 'the name'), disabledReason: unaddressable },
    ...(isFolder(entry) || noBytes !== null ? [] : code),
    {
      label: 'Rename…',
      onActivate: () => handlers.onRename(entry),
      disabledReason: notChanged,
      separated: true,
    },
    { label: 'Delete…', onActivate: () => handlers.onDelete([entry]), disabledReason: notChanged },
  ];
}

function actionsForSeveral(entries: readonly Entry[], { role, forbidden, handlers }: Context): MenuAct[] {
  const addressable = entries.filter(({ isAddressable }) => isAddressable);
  const unaddressable = addressable.length === 0 ? UNADDRESSABLE : null;
  return [
    {
      label: `Download ${entries.length} items as an archive…`,
      onActivate: () => handlers.onArchive(addressable),
      disabledReason: unaddressable ?? readRefusal(role),
    },
    {
      label: `Copy ${entries.length} paths`,
      onActivate: () => void copyText(addressable.map(({ path }) => path).join('\n'), 'the paths'),
      disabledReason: unaddressable,
      separated: true,
    },
    {
      label: `Delete ${entries.length} items…`,
      onActivate: () => handlers.onDelete(entries),
      disabledReason: deleteRefusal(entries) ?? forbidden,
      separated: true,
    },
  ];
}

const MAX_DELETED = 500;

/** Why some entries cannot be deleted together, or `null`. */
export function deleteRefusal(entries: readonly Entry[]): string | null {
  if (entries.length > MAX_DELETED) return `Select at most ${MAX_DELETED} items.`;
  return entries.map(changeRefusalOf).find((reason) => reason !== null) ?? null;
}

export function downloadFile(sandboxKey: SandboxKey, path: string): void {
  downloadFrom(fileAddresses.content(sandboxKey, path, 'download'));
}

export function downloadFrom(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}
