'use client';

import { clsx } from 'clsx';
import { useConnections } from '@/components/data/use-connections';
import { Visible } from '@/components/ui/visible-text';
import { connectionWord, isConnectionNamed, type ShownConnection } from '@/lib/connection';
import { type ConnectionShare, splitByConnection, splitText } from '@/lib/connection-split';
import { fleets } from '@/lib/fleet/fleets';
import { type ConnectionName, connectionOf, idOf, type SandboxKey } from '@/lib/sandbox-key';
import { connectionHue } from './connection-hue';

/** The only place that decides whether and how the connection of something is named on screen. */

const DOTS = ['bg-hue-1', 'bg-hue-2', 'bg-hue-3', 'bg-hue-4', 'bg-hue-5'] as const;

type DotProps = { name: ConnectionName; among: readonly Pick<ShownConnection, 'name'>[] };

/** The colour of a connection, beside its name. */
export function ConnectionDot({ name, among }: DotProps) {
  const hue = connectionHue(
    name,
    among.map((connection) => connection.name),
  );
  return <span aria-hidden className={clsx('inline-block size-2 shrink-0 rounded-[2px]', DOTS[hue])} />;
}

type TagProps = {
  name: ConnectionName;
  /** Known connections, where many tags are drawn. */
  among?: readonly ShownConnection[];
  className?: string;
};

/** Names a connection with its colour, unless it is the only one in use. */
export function ConnectionTag({ among, ...props }: TagProps) {
  return among === undefined ? <LiveTag {...props} /> : <DrawnTag among={among} {...props} />;
}

function LiveTag(props: Omit<TagProps, 'among'>) {
  return <DrawnTag among={useConnections()} {...props} />;
}

function DrawnTag({ name, among, className }: TagProps & { among: readonly ShownConnection[] }) {
  if (!isConnectionNamed(name, among)) return null;
  const connection = among.find((one) => one.name === name);
  return (
    <span
      translate="no"
      title={
        connection === undefined
          ? `${name}, not in use any more`
          : `${connection.title} (${name}), ${connection.host}`
      }
      className={clsx('inline-flex min-w-0 items-center gap-1.5 text-ink-2', className)}
    >
      <ConnectionDot name={name} among={among} />
      <Visible text={connectionWord(name, among)} className="truncate" />
    </span>
  );
}

/** The id of a sandbox, after the tag of its connection: `prod/i4x9kq2m`. */
export function SandboxName({ sandboxKey, className }: { sandboxKey: SandboxKey; className?: string }) {
  const connections = useConnections();
  const name = connectionOf(sandboxKey);
  return (
    <span translate="no" className={clsx('font-mono', className)}>
      {isConnectionNamed(name, connections) ? (
        <>
          <ConnectionTag
            name={name}
            among={connections}
            className="max-w-[16ch] align-bottom font-normal text-ink-3"
          />
          <span className="font-normal text-ink-3">/</span>
        </>
      ) : null}
      {idOf(sandboxKey)}
    </span>
  );
}

/** `12 in prod, 3 in staging`; `null` where people need not be told. */
export function useSplitText(split: readonly ConnectionShare[]): string | null {
  return wordsOf(split, useConnections());
}

/** Like `useSplitText`, of the sandboxes themselves. */
export function useConnectionSplit(sandboxes: readonly { key: SandboxKey }[]): string | null {
  return useSplitText(splitByConnection(sandboxes.map(({ key }) => key)));
}

/** `prod/i4x9kq2m`, or the id alone where one connection is in use. For text outside components. */
export function sandboxNameText(sandboxKey: SandboxKey): string {
  const { connections } = fleets().view();
  const name = connectionOf(sandboxKey);
  if (!isConnectionNamed(name, connections)) return idOf(sandboxKey);
  return `${connectionWord(name, connections)}/${idOf(sandboxKey)}`;
}

/** Like `useConnectionSplit`, for text outside components. */
export function connectionSplitText(keys: readonly SandboxKey[]): string | null {
  return wordsOf(splitByConnection(keys), fleets().view().connections);
}

function wordsOf(split: readonly ConnectionShare[], connections: readonly ShownConnection[]): string | null {
  if (!split.some(({ name }) => isConnectionNamed(name, connections))) return null;
  return splitText(split.map(({ name, count }) => ({ name: connectionWord(name, connections), count })));
}
