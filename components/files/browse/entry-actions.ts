import type { MenuAct } from '@/components/ui/menu-act';
import { toast } from '@/components/ui/toast';
import { type Role, roleSuffices } from '@/lib/access/roles';
import { fileAddresses } from '@/lib/files/addresses';
import { isFolder } from '@/lib/files/browse/order';
import type { Entry } from '@/lib/files/schema';
import { DOWNLOAD_LANGUAGES, type DownloadLanguage, downloadCode } from '@/lib/files/transfer/download-code';
import { contentRefusal, UNADDRESSABLE } from './entry-words';

const LANGUAGES = { python: 'Python', typescript: 'TypeScript' } satisfies Record<DownloadLanguage, string>;

/** Why `role` may not read file contents, or `null`. The server checks it too. */
export function readRefusal(role: Role): string | null {
  return roleSuffices(role, 'operator') ? null : 'Requires the operator role.';
}

type Handlers = {
  onGoInto: (path: string) => void;
  onShow: (entry: Entry) => void;
  onArchive: (entries: readonly Entry[]) => void;
  onUpload: (folder: string) => void;
};

type Context = { sandboxId: string; role: Role; handlers: Handlers };

export function entryActions(entries: readonly Entry[], context: Context): MenuAct[] {
  const [only, ...others] = entries;
  if (only === undefined) return [];
  return others.length === 0 ? actionsForOne(only, context) : actionsForSeveral(entries, context);
}

function actionsForOne(entry: Entry, { sandboxId, role, handlers }: Context): MenuAct[] {
  const { path, name } = entry;
  const unaddressable = entry.isAddressable ? null : UNADDRESSABLE;
  const notRead = unaddressable ?? readRefusal(role);
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
        { label: 'Upload here…', onActivate: () => handlers.onUpload(path), disabledReason: notRead },
      ]
    : [
        { label: 'Open', onActivate: () => handlers.onShow(entry), disabledReason: unaddressable },
        {
          label: 'Download',
          onActivate: () => downloadFile(sandboxId, path),
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
        void copyText(downloadCode(sandboxId, path, language), `the ${LANGUAGES[language]} code`),
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
  ];
}

function actionsForSeveral(entries: readonly Entry[], { role, handlers }: Context): MenuAct[] {
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
  ];
}

export function downloadFile(sandboxId: string, path: string): void {
  downloadFrom(fileAddresses.content(sandboxId, path, 'download'));
}

export function downloadFrom(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}

/** Copies text and confirms it with a toast. `name`: such as `the path`. */
export async function copyText(text: string, name: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.success(`Copied ${name}`);
  } catch {
    toast.error('The browser blocked copying. Copy the text by hand.', { description: text.slice(0, 200) });
  }
}
