import { toast } from 'sonner';
import type { MenuAct } from '@/components/ui/menu-act';
import { type Role, roleSuffices } from '@/lib/access/roles';
import { fileAddresses } from '@/lib/files/addresses';
import { isFolder } from '@/lib/files/browse/order';
import type { Entry } from '@/lib/files/schema';
import { DOWNLOAD_LANGUAGES, type DownloadLanguage, downloadCode } from '@/lib/files/transfer/download-code';
import { contentRefusal, UNADDRESSABLE } from './entry-words';

const LANGUAGES = { python: 'Python', typescript: 'TypeScript' } satisfies Record<DownloadLanguage, string>;

/** Why somebody with `role` may not read what is in files, or `null`; the server asks for the same. */
export function readRefusal(role: Role): string | null {
  return roleSuffices(role, 'operator') ? null : 'This needs the role operator.';
}

type Handlers = {
  onGoInto: (path: string) => void;
  /** Shows it beside the list. */
  onShow: (entry: Entry) => void;
  onArchive: (entries: readonly Entry[]) => void;
  onUpload: (folder: string) => void;
};

type Circumstances = { sandboxId: string; role: Role; handlers: Handlers };

/** What can be done with one entry or with several, as data. */
export function entryActions(entries: readonly Entry[], circumstances: Circumstances): MenuAct[] {
  const [only, ...others] = entries;
  if (only === undefined) return [];
  return others.length === 0 ? actsOnOne(only, circumstances) : actsOnSeveral(entries, circumstances);
}

function actsOnOne(entry: Entry, { sandboxId, role, handlers }: Circumstances): MenuAct[] {
  const { path, name } = entry;
  const nobody = entry.isAddressable ? null : UNADDRESSABLE;
  const notRead = nobody ?? readRefusal(role);
  const noBytes = contentRefusal(entry) ?? readRefusal(role);
  const isLink =
    entry.kind === 'link' ? 'A link is left out of archives. Take along what it leads to.' : null;
  const first: MenuAct[] = isFolder(entry)
    ? [
        { label: 'Go into', onActivate: () => handlers.onGoInto(path), disabledReason: nobody },
        { label: 'Details', onActivate: () => handlers.onShow(entry), disabledReason: nobody },
        {
          label: 'Download as an archive…',
          onActivate: () => handlers.onArchive([entry]),
          disabledReason: notRead ?? isLink,
        },
        { label: 'Upload into it…', onActivate: () => handlers.onUpload(path), disabledReason: notRead },
      ]
    : [
        { label: 'Open', onActivate: () => handlers.onShow(entry), disabledReason: nobody },
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
      label: `Copy download in ${LANGUAGES[language]}`,
      onActivate: () =>
        void copyText(downloadCode(sandboxId, path, language), `the download in ${LANGUAGES[language]}`),
    }),
  );
  return [
    ...first,
    {
      label: 'Copy path',
      onActivate: () => void copyText(path, 'the path'),
      disabledReason: nobody,
      separated: true,
    },
    { label: 'Copy name', onActivate: () => void copyText(name, 'the name'), disabledReason: nobody },
    ...(isFolder(entry) || noBytes !== null ? [] : code),
  ];
}

function actsOnSeveral(entries: readonly Entry[], { role, handlers }: Circumstances): MenuAct[] {
  const asked = entries.filter(({ isAddressable }) => isAddressable);
  const nobody = asked.length === 0 ? UNADDRESSABLE : null;
  return [
    {
      label: `Download ${entries.length} as an archive…`,
      onActivate: () => handlers.onArchive(asked),
      disabledReason: nobody ?? readRefusal(role),
    },
    {
      label: `Copy ${entries.length} paths`,
      onActivate: () => void copyText(asked.map(({ path }) => path).join('\n'), 'the paths'),
      disabledReason: nobody,
      separated: true,
    },
  ];
}

/** Hands a file over to the browser's own download. */
export function downloadFile(sandboxId: string, path: string): void {
  downloadFrom(fileAddresses.content(sandboxId, path, 'download'));
}

/** Hands what an address of ours answers over to the browser's own download. */
export function downloadFrom(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}

/** Copies a text and says so; `what` names it. */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.success(`Copied ${what}`);
  } catch {
    toast.error('The browser does not allow copying', { description: text.slice(0, 200) });
  }
}
