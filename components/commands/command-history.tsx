'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { useState } from 'react';
import { sandboxCount } from '@/components/operations/outcome';
import { formatTook } from '@/components/ui/duration';
import { Input } from '@/components/ui/field';
import { LocalTime } from '@/components/ui/local-time';
import { Select } from '@/components/ui/select';
import { Visible } from '@/components/ui/visible-text';
import type { CommandEntry } from '@/lib/commands/schema';
import { paths } from '@/lib/paths';
import type { SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { CommandBadge } from './command-badge';

type Props = {
  sandboxKey: SandboxKey;
  entries: readonly CommandEntry[];
  shown: string | null;
  onReuse: (entry: CommandEntry) => void;
};

const PEOPLE = [
  { value: 'all', label: 'Anyone' },
  { value: 'mine', label: 'Me' },
] as const;
type People = (typeof PEOPLE)[number]['value'];

const COLUMNS =
  'grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 md:grid-cols-[minmax(160px,1fr)_150px_64px_100px_140px_152px]';

export function CommandHistory({ sandboxKey, entries, shown, onReuse }: Props) {
  const [people, setPeople] = useState<People>('all');
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const rows = entries.filter(
    (entry) => (people === 'all' || entry.isMine) && entry.command.toLowerCase().includes(wanted),
  );
  return (
    <section aria-labelledby="run-history" className="flex flex-col">
      <div className="flex flex-wrap items-center gap-3 px-5 py-2.5">
        <h2 id="run-history" className="mr-auto font-semibold">
          Command history
        </h2>
        <Input
          type="search"
          aria-label="Search commands"
          placeholder="Search commands"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="w-56"
        />
        <Select label="Person" value={people} options={PEOPLE} onChange={setPeople} />
      </div>
      {rows.length === 0 ? (
        <p className="border-line-soft border-t px-5 py-3 text-ink-2">
          {entries.length === 0 ? 'No commands have been run in this sandbox.' : 'No commands match.'}
        </p>
      ) : (
        <ul className="border-line-soft border-t">
          {rows.map((entry) => (
            <Row
              key={entry.operationId}
              entry={entry}
              sandboxKey={sandboxKey}
              isShown={entry.operationId === shown}
              onReuse={onReuse}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

type RowProps = {
  entry: CommandEntry;
  sandboxKey: SandboxKey;
  isShown: boolean;
  onReuse: (entry: CommandEntry) => void;
};

function Row({ entry, sandboxKey, isShown, onReuse }: RowProps) {
  const { operationId, command, actor, atMs, tookMs, sandboxCount: count, cwd } = entry;
  return (
    <li
      className={clsx(
        COLUMNS,
        'min-h-[34px] border-line-soft border-b px-5 py-1 hover:bg-hover',
        isShown && 'bg-selected hover:bg-selected',
      )}
    >
      <Link
        translate="no"
        href={paths.sandboxRun(sandboxKey, operationId)}
        prefetch={false}
        scroll={false}
        aria-current={isShown ? 'true' : undefined}
        title={cwd === null ? 'Show output' : `In ${visibleText(cwd)}`}
        className="min-w-0 truncate font-mono text-small hover:underline"
      >
        <Visible text={command.replace(/\s+/g, ' ').trim()} />
      </Link>
      <CommandBadge {...entry} className="max-md:order-1 max-md:text-small" />
      <span className="hidden text-right text-ink-2 md:block">
        {tookMs === null ? '' : formatTook(tookMs)}
      </span>
      <Visible text={actor} className="hidden truncate text-ink-2 md:block" />
      <LocalTime ms={atMs} isShort className="hidden text-ink-2 md:block" />
      <span className="flex items-center justify-end gap-3 max-md:order-2 max-md:col-span-2">
        <button
          type="button"
          onClick={() => onReuse(entry)}
          className="rounded-sm font-medium text-accent hover:underline"
        >
          Edit
        </button>
        <Link
          href={paths.operation(operationId)}
          prefetch={false}
          className="whitespace-nowrap text-accent hover:underline"
        >
          {count === 1 ? 'Operation' : `In ${sandboxCount(count)}`}
        </Link>
      </span>
    </li>
  );
}
