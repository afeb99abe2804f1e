'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { memo } from 'react';
import { LocalTime, ZoneName } from '@/components/ui/local-time';
import { FilePath, Visible } from '@/components/ui/visible-text';
import type { AccessEntry } from '@/lib/access/audit-schema';
import { paths } from '@/lib/paths';
import { ACCESS_WORDS } from './access-words';
import { Cell, RecordTable, ROW } from './record-table';

const GRID =
  'grid min-w-[1080px] grid-cols-[128px_100px_170px_190px_minmax(220px,3fr)_minmax(220px,3fr)] items-center gap-4 px-5';

type Props = { entries: readonly AccessEntry[]; nowMs: number; isStale: boolean };

/** Who looked into which sandbox, one line each. */
export function AccessTable({ entries, nowMs, isStale }: Props) {
  return (
    <RecordTable
      name="Access"
      grid={GRID}
      isStale={isStale}
      columns={[
        <>
          When <ZoneName ms={nowMs} />
        </>,
        'Who',
        'What',
        'Sandbox',
        'Where',
        'More',
      ]}
    >
      {entries.map((entry) => (
        <AccessRow key={entry.id} entry={entry} />
      ))}
    </RecordTable>
  );
}

const AccessRow = memo(function AccessRow({ entry }: { entry: AccessEntry }) {
  const { atMs, actor, kind, sandboxId, path, detail } = entry;
  return (
    <div role="row" className={clsx(GRID, ROW)}>
      <Cell className="text-ink-2">
        <LocalTime ms={atMs} isShort />
      </Cell>
      <Cell>
        {actor === null ? (
          <span className="text-ink-3" title="Sandkeeper by itself">
            Sandkeeper
          </span>
        ) : (
          <bdi title={actor}>{actor}</bdi>
        )}
      </Cell>
      <Cell className="font-medium">{ACCESS_WORDS[kind]}</Cell>
      <Cell className="font-mono text-small">
        <Link
          href={paths.sandbox(sandboxId)}
          prefetch={false}
          className="text-ink-2 hover:text-ink hover:underline"
        >
          {sandboxId}
        </Link>
      </Cell>
      <Cell className="font-mono text-small">
        {path === null ? null : <FilePath path={path} className="align-middle" />}
      </Cell>
      <Cell className="text-ink-2" title={detail ?? undefined}>
        {detail === null ? null : (
          <bdi>
            <Visible text={detail} />
          </bdi>
        )}
      </Cell>
    </div>
  );
});
