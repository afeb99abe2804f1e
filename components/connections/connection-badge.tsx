import { clsx } from 'clsx';
import { Visible } from '@/components/ui/visible-text';
import type { ConnectionSource } from '@/lib/connection';
import type { ConnectionFacts, ConnectionState } from '@/lib/settings/connection-facts';

const STATES = {
  ok: { name: 'Connected', dot: 'bg-running' },
  unread: { name: 'Not read yet', dot: 'border border-ink-3' },
  unauthorised: { name: 'Unauthorised', dot: 'bg-paused' },
  unreachable: { name: 'Unreachable', dot: 'bg-paused' },
  failing: { name: 'Failing', dot: 'bg-paused' },
  disabled: { name: 'Disabled', dot: 'bg-ink-3' },
} satisfies Record<ConnectionState, { name: string; dot: string }>;

/** Whether a connection works. */
export function ConnectionBadge({ state }: { state: ConnectionState }) {
  const { name, dot } = STATES[state];
  return (
    <span className="whitespace-nowrap">
      <span aria-hidden className={clsx('mr-2 inline-block size-2 rounded-full align-[1px]', dot)} />
      {name}
    </span>
  );
}

/** The few letters by which a connection is recognised. */
export function ConnectionLabel({ label }: { label: string | null }) {
  if (label === null) return null;
  return (
    <span className="rounded-sm border border-line bg-bg px-1 text-ink-2 text-small">
      <Visible text={label} />
    </span>
  );
}

export const SOURCE_NAMES = {
  environment: 'Environment',
  file: 'File',
  settings: 'Settings',
} satisfies Record<ConnectionSource, string>;

/** The part of the key that may be shown. */
export function keyText({ hasKey, keyTail }: Pick<ConnectionFacts, 'hasKey' | 'keyTail'>): string {
  if (!hasKey) return 'Cannot be decrypted';
  return keyTail === null ? '••••' : `••••${keyTail}`;
}

/** Why a connection does not work now, or `null`. */
export function currentProblem({ state, lastProblem, hasKey }: ConnectionFacts): string | null {
  if (state === 'ok' || state === 'unread' || state === 'disabled') return null;
  if (!hasKey)
    return 'The key was encrypted under another secret key. Replace it, or start Sandkeeper with that secret key again.';
  return lastProblem?.message ?? null;
}
