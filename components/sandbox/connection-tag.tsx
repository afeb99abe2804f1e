'use client';

import { clsx } from 'clsx';
import { useConnections } from '@/components/data/use-connections';
import { Visible } from '@/components/ui/visible-text';
import type { ShownConnection } from '@/lib/connection';
import type { ConnectionName } from '@/lib/sandbox-key';
import { connectionHue } from './connection-hue';

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

/** Names a connection by its label or else its name, with its colour. */
export function ConnectionTag({ among, ...props }: TagProps) {
  return among === undefined ? <LiveTag {...props} /> : <DrawnTag among={among} {...props} />;
}

function LiveTag(props: Omit<TagProps, 'among'>) {
  return <DrawnTag among={useConnections()} {...props} />;
}

function DrawnTag({ name, among, className }: TagProps & { among: readonly ShownConnection[] }) {
  const connection = among.find((one) => one.name === name);
  return (
    <span
      translate="no"
      title={connection === undefined ? name : `${connection.title}, ${connection.host}`}
      className={clsx('inline-flex min-w-0 items-center gap-1.5 text-ink-2', className)}
    >
      <ConnectionDot name={name} among={among} />
      <Visible text={connection?.label ?? name} className="truncate" />
    </span>
  );
}
