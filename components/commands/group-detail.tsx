'use client';

import { useQuery } from '@tanstack/react-query';
import { clsx } from 'clsx';
import Link from 'next/link';
import { useMemo, useState } from 'react';
import { SandboxName } from '@/components/sandbox/connection-name';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { CopyButton } from '@/components/ui/copy-button';
import { Visible } from '@/components/ui/visible-text';
import { type DiffLine, diffLines } from '@/lib/commands/line-diff';
import { commandQuery } from '@/lib/commands/queries';
import { type CommandRecord, outputAsText, type ResultGroup } from '@/lib/commands/schema';
import { paths } from '@/lib/paths';
import { idOf, type SandboxKey } from '@/lib/sandbox-key';
import { OutputBlock } from './output-block';

type Props = { operationId: string; group: ResultGroup; largest: ResultGroup | null };

export function GroupDetail({ operationId, group, largest }: Props) {
  const { sandboxKeys, wasStarted, ending, message } = group;
  const [first] = sandboxKeys;
  return (
    <div className="flex flex-col gap-3 px-5 pb-4 md:pl-[52px]">
      <Ids operationId={operationId} keys={sandboxKeys} wasStarted={wasStarted} />
      {ending !== 'exited' && message !== null ? <p className="text-ink-2">{message}</p> : null}
      {first !== undefined && wasStarted && ending !== null ? (
        <Outputs operationId={operationId} sandboxKey={first} largest={largest} />
      ) : null}
    </div>
  );
}

const MAX_IDS = 40;

type IdsProps = { operationId: string; keys: SandboxKey[]; wasStarted: boolean };

function Ids({ operationId, keys, wasStarted }: IdsProps) {
  const [maxShown, setMaxShown] = useState(MAX_IDS);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-0.5">
      {keys.slice(0, maxShown).map((key) => (
        <Link
          translate="no"
          key={key}
          prefetch={false}
          href={wasStarted ? paths.sandboxRun(key, operationId) : paths.sandbox(key)}
          className="font-mono text-small hover:underline"
        >
          <SandboxName sandboxKey={key} />
        </Link>
      ))}
      {keys.length > maxShown ? (
        <Button tone="quiet" className="h-6!" onClick={() => setMaxShown(keys.length)}>
          and {keys.length - maxShown} more
        </Button>
      ) : null}
      <CopyButton
        text={() => keys.map(idOf).join('\n')}
        label={keys.length === 1 ? 'Copy ID' : `Copy ${keys.length} IDs`}
      />
    </div>
  );
}

type OutputsProps = { operationId: string; sandboxKey: SandboxKey; largest: ResultGroup | null };

function Outputs({ operationId, sandboxKey, largest }: OutputsProps) {
  const { data, isError, refetch } = useQuery(commandQuery(operationId, sandboxKey));
  const [compares, setCompares] = useState(false);
  const other = largest?.sandboxKeys[0] ?? null;
  const common = useQuery({
    ...commandQuery(operationId, other ?? sandboxKey),
    enabled: compares && other !== null,
  });
  if (data === undefined)
    return isError ? (
      <p role="status" className="flex items-center gap-3 text-ink-2">
        Could not load the output. <Button onClick={() => void refetch()}>Try again</Button>
      </p>
    ) : (
      <div aria-busy="true" className="h-16 animate-pulse rounded-md border border-line bg-surface" />
    );
  const { stdout, stderr } = data;
  return (
    <>
      {other === null ? null : (
        <label className="flex items-center gap-2 self-start">
          <Checkbox checked={compares} onChange={() => setCompares(!compares)} />
          Compare with the most common output
        </label>
      )}
      {compares && common.data ? (
        <Difference common={common.data} own={data} />
      ) : stdout.totalBytes + stderr.totalBytes === 0 ? (
        <p className="text-ink-3">No output</p>
      ) : (
        <>
          {stdout.totalBytes > 0 ? <OutputBlock name="stdout" output={stdout} isLive={false} /> : null}
          {stderr.totalBytes > 0 ? <OutputBlock name="stderr" output={stderr} isLive={false} /> : null}
        </>
      )}
    </>
  );
}

function Difference({ common, own }: { common: CommandRecord; own: CommandRecord }) {
  return (
    <>
      {(['stdout', 'stderr'] as const).map((name) => (
        <Lines key={name} name={name} before={outputAsText(common[name])} now={outputAsText(own[name])} />
      ))}
    </>
  );
}

const SIGNS = { same: ' ', added: '+', removed: '−' } satisfies Record<DiffLine['kind'], string>;
const SPOKEN = { same: '', added: 'only here: ', removed: 'not here: ' } satisfies Record<
  DiffLine['kind'],
  string
>;

function Lines({ name, before, now }: { name: string; before: string; now: string }) {
  const lines = useMemo(() => diffLines(before, now), [before, now]);
  if (before === now) return <p className="text-ink-3">{name}: identical</p>;
  if (lines === null) return <p className="text-ink-3">{name}: too many differences to compare</p>;
  return (
    <section aria-label={`Difference of ${name}`}>
      <p className="pb-1 font-medium text-ink-2 text-small">{name}</p>
      <pre
        translate="no"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard.
        tabIndex={0}
        dir="ltr"
        className="max-h-[44vh] overflow-auto whitespace-pre-wrap break-all rounded-md border border-line bg-surface py-1.5 font-mono text-[12px] leading-[18px]"
      >
        {lines.map(({ kind, text }, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: the order never changes.
            key={index}
            className={clsx(
              'block px-3',
              kind === 'added' && 'bg-selected',
              kind === 'removed' && 'bg-hover text-ink-2',
            )}
          >
            <span aria-hidden className="mr-2 inline-block w-2 select-none text-ink-3">
              {SIGNS[kind]}
            </span>
            <span className="sr-only">{SPOKEN[kind]}</span>
            <Visible text={text} shape="block" />
          </span>
        ))}
      </pre>
    </section>
  );
}
