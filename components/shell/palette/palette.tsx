'use client';

import { Autocomplete } from '@base-ui/react/autocomplete';
import { clsx } from 'clsx';
import { Search } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useId, useState, useSyncExternalStore } from 'react';
import { ConnectionTag } from '@/components/sandbox/connection-name';
import { StateBadge } from '@/components/sandbox/state-badge';
import { ChooserDialog } from '@/components/ui/dialog';
import { Kbd } from '@/components/ui/kbd';
import { Visible } from '@/components/ui/visible-text';
import { findRows } from '@/lib/fleet/find';
import { fleets } from '@/lib/fleet/fleets';
import type { FoundSandbox } from '@/lib/fleet/found-sandbox';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { type Command, type CommandGroup, commandOffers, unavailableReason } from '@/lib/palette/offers';
import { recentCommands, recentIds, rememberCommand } from '@/lib/palette/recent';
import { searchCommands } from '@/lib/palette/search';
import { paths } from '@/lib/paths';
import { type ConnectionName, connectionOf, idOf } from '@/lib/sandbox-key';
import { useOwnCommands } from './own-commands';
import { useIdSearch } from './use-id-search';

const MAX_SANDBOXES = 20;
/** A shorter prefix of an id may also be the start of a word. */
const MIN_ID_CHARS = 4;

const GROUP_NAMES = {
  selection: 'Selection',
  sandbox: 'This sandbox',
  page: 'This page',
  go: 'Pages',
  filter: 'Filter',
  app: 'Sandkeeper',
  search: 'Search',
} satisfies Record<CommandGroup, string>;

/** A line of the list. `row` is the sandbox that the command opens. */
type Line = { command: Command; row: IndexedSandbox | null; found?: FoundSandbox };
type Lines = { value: string; items: Line[] };

type Props = { isOpen: boolean; onClose: () => void; onKeys: () => void };

/** Searches commands and sandboxes. */
export function Palette({ isOpen, onClose, onKeys }: Props) {
  return (
    <ChooserDialog<Command>
      isOpen={isOpen}
      label="Commands"
      onClose={onClose}
      onChosen={(command) => {
        rememberCommand(command);
        command.onRun();
      }}
    >
      {(choose) => <PaletteBody onKeys={onKeys} onChoose={choose} />}
    </ChooserDialog>
  );
}

type BodyProps = { onChoose: (command: Command) => void; onKeys: () => void };

function PaletteBody({ onChoose, onKeys }: BodyProps) {
  const [query, setQuery] = useState('');
  const hint = useId();
  const { found, words } = useIdSearch(query);
  const groups = useLines(query, { found, onKeys });
  return (
    <Autocomplete.Root
      open
      inline
      mode="none"
      items={groups}
      value={query}
      onValueChange={(value, { reason }) => {
        // Keeps the chosen title out of the input while the palette fades out.
        if (reason !== 'item-press') setQuery(value);
      }}
      itemToStringValue={({ command }: Line) => command.title}
      autoHighlight="always"
      keepHighlight
    >
      <div className="flex h-12 shrink-0 items-center gap-2.5 border-line border-b px-4">
        <Search size={16} aria-hidden className="shrink-0 text-ink-3" />
        <Autocomplete.Input
          aria-label="Search commands and sandboxes"
          aria-describedby={hint}
          placeholder="Type a command, or search sandboxes by ID, template or metadata"
          className="h-full min-w-0 flex-1 bg-transparent text-[15px] outline-none"
        />
      </div>
      <Autocomplete.Empty className="empty:hidden">
        <p className="px-4 py-6 text-ink-2">No commands or sandboxes found.</p>
      </Autocomplete.Empty>
      <Autocomplete.List className="min-h-0 flex-1 overflow-y-auto overscroll-contain p-1.5 empty:p-0">
        {({ value, items }: Lines) => (
          <Autocomplete.Group key={value} items={items} className="not-last:mb-1.5">
            <Autocomplete.GroupLabel className="px-2.5 py-1 text-ink-3 text-small">
              {value}
            </Autocomplete.GroupLabel>
            <Autocomplete.Collection>
              {(line: Line) => <PaletteLine key={line.command.id} line={line} onChoose={onChoose} />}
            </Autocomplete.Collection>
          </Autocomplete.Group>
        )}
      </Autocomplete.List>
      <p role="status" className="px-4 pb-2 text-ink-2 empty:hidden">
        {words}
      </p>
      <p
        id={hint}
        className="flex h-9 shrink-0 items-center gap-4 border-line pointer-coarse:hidden border-t bg-surface px-4 text-ink-3 text-small"
      >
        <Hint keys="↑ ↓">navigate</Hint>
        <Hint keys="Enter">select</Hint>
        <Hint keys="Esc">close</Hint>
      </p>
    </Autocomplete.Root>
  );
}

function Hint({ keys, children }: { keys: string; children: ReactNode }) {
  return (
    <span className="flex items-center gap-1.5">
      <Kbd>{keys}</Kbd> {children}
    </span>
  );
}

type LineOptions = { found: readonly FoundSandbox[]; onKeys: () => void };

/** The groups of lines that match `query`. */
function useLines(query: string, { found, onKeys }: LineOptions): Lines[] {
  const router = useRouter();
  const own = useOwnCommands(query, onKeys);
  const offers = commandOffers();
  // The commands of a page can change while the palette is open.
  useSyncExternalStore(offers.subscribe, offers.version, offers.version);
  const all = [...offers.all(), ...own];
  const { recent, unavailable } = useOrder(all, query);
  const recentOnes = query.trim() === '' ? recentCommands(all, recent) : [];
  const commands = searchCommands(
    all.filter((command) => !recentOnes.includes(command)),
    query,
    unavailable,
  );
  const groups = commands.map(({ group, commands }) => linesOf(GROUP_NAMES[group], commands));
  if (recentOnes.length > 0) groups.unshift(linesOf('Recent', recentOnes));
  const rows = findRows(fleets().view().rows ?? [], query, MAX_SANDBOXES);
  if (found.length > 0) return [foundLines(found, (path) => router.push(path)), ...groups];
  if (rows.length === 0) return groups;
  const sandboxes = {
    value: 'Sandboxes',
    items: rows.map((row): Line => {
      const { id, key } = row.sandbox;
      const onRun = () => router.push(paths.sandbox(key));
      return { command: { id: `go:${key}`, group: 'go', title: id, onRun }, row };
    }),
  };
  // Sandboxes come first if the query is the start of an id, otherwise commands do.
  const typed = query.trim();
  const isId = typed.length >= MIN_ID_CHARS && rows[0]?.sandbox.id.startsWith(typed) === true;
  const at = isId ? 0 : commands.filter(({ group }) => group !== 'search').length;
  return groups.toSpliced(at, 0, sandboxes);
}

/** The sandboxes that no fleet of this tab has. */
function foundLines(found: readonly FoundSandbox[], open: (path: string) => void): Lines {
  const items = found.map((sandbox): Line => {
    const { key } = sandbox;
    const onRun = () => open(paths.sandbox(key));
    return { command: { id: `go:${key}`, group: 'go', title: idOf(key), onRun }, row: null, found: sandbox };
  });
  return { value: 'Sandboxes', items };
}

function linesOf(value: string, commands: readonly Command[]): Lines {
  return { value, items: commands.map((command): Line => ({ command, row: null })) };
}

/** The order of the lines, kept while the query stays the same: nothing may move under the highlight. */
function useOrder(commands: readonly Command[], query: string) {
  const [order, setOrder] = useState(() => orderFor(commands, query));
  if (order.query === query) return order;
  const next = orderFor(commands, query);
  setOrder(next);
  return next;
}

function orderFor(commands: readonly Command[], query: string) {
  const unavailable = commands.filter((command) => unavailableReason(command) !== null);
  return { query, recent: recentIds(), unavailable: new Set(unavailable.map(({ id }) => id)) };
}

function PaletteLine({ line, onChoose }: { line: Line; onChoose: (command: Command) => void }) {
  const { command, row, found } = line;
  const { title, keys, tone } = command;
  const reason = unavailableReason(command);
  return (
    <Autocomplete.Item
      value={line}
      disabled={reason !== null}
      onClick={() => onChoose(command)}
      className={clsx(
        'flex min-h-9 cursor-pointer select-none items-center gap-3 rounded-md px-2.5 py-1.5 outline-none data-highlighted:bg-selected max-sm:flex-wrap max-sm:gap-y-0',
        'data-disabled:cursor-default data-disabled:text-ink-3',
        tone === 'danger' && reason === null && 'text-danger',
      )}
    >
      {row !== null ? <SandboxLine row={row} /> : null}
      {found !== undefined ? <FoundLine found={found} /> : null}
      {row === null && found === undefined ? (
        <Visible text={title} className="min-w-0 truncate font-medium" />
      ) : null}
      {reason === null ? null : <Visible text={reason} className="ml-auto min-w-0 truncate text-small" />}
      {keys ? (
        <span className="ml-auto pointer-coarse:hidden">
          <Kbd>{keys}</Kbd>
        </span>
      ) : null}
    </Autocomplete.Item>
  );
}

const FOUND_WORDS = {
  listed: null,
  ended: 'Ended',
  unread: 'Cannot be read now',
} satisfies Record<FoundSandbox['kind'], string | null>;

/** A sandbox that no fleet of this tab has: `i4x9… Ended prod`. */
function FoundLine({ found: { key, kind } }: { found: FoundSandbox }) {
  return (
    <>
      <span translate="no" className="min-w-0 truncate font-mono text-small">
        {idOf(key)}
      </span>
      <span className="shrink-0 text-ink-2">{FOUND_WORDS[kind]}</span>
      <LineTag name={connectionOf(key)} />
    </>
  );
}

function LineTag({ name }: { name: ConnectionName }) {
  return <ConnectionTag name={name} className="max-w-32 shrink-0 text-small" />;
}

function SandboxLine({ row: { sandbox, connection, templateName } }: { row: IndexedSandbox }) {
  const metadata = Object.entries(sandbox.metadata).map(([key, value]) => `${key}=${value}`);
  return (
    <>
      <span translate="no" className="shrink-0 font-mono text-small">
        {sandbox.id}
      </span>
      <span className="w-20 shrink-0">
        <StateBadge state={sandbox.state} />
      </span>
      <LineTag name={connection} />
      <span className="min-w-0 truncate text-ink-2 max-sm:basis-full">
        <Visible text={templateName} />
        {metadata.map((text) => (
          <span key={text}>
            {' · '}
            <Visible text={text} />
          </span>
        ))}
      </span>
    </>
  );
}
