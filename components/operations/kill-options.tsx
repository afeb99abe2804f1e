'use client';

import { type ReactNode, useId } from 'react';
import { useSharedLacking } from '@/components/data/use-fleet';
import { Checkbox } from '@/components/ui/checkbox';
import { ErrorText, Field, Input } from '@/components/ui/field';
import { MAX_REASON_CHARS } from '@/lib/operations/schema';
import type { Sandbox } from '@/lib/sandbox/schema';
import { ArchiveOption } from './archive-option';
import { type KillChoice, MAX_GRACE_SECONDS } from './use-kill-options';

type OptionsProps = {
  options: KillChoice;
  isLocked: boolean;
  /** Why files cannot be archived. `null`: they can; `undefined`: not known yet. */
  cannotArchive: string | null | undefined;
  targets: readonly Sandbox[];
  /** Alternatives to the kill. */
  children: ReactNode;
};

export function KillOptions(props: OptionsProps) {
  const { options, isLocked, children } = props;
  const { isGraceful, graceMs, seconds } = options;
  const id = useId();
  const { processes: lacks } = useSharedLacking(props.targets.map(({ key }) => key));
  // An option taken over from an earlier operation can be cleared even if it is unavailable now.
  const isClosed = isLocked || (lacks !== undefined && !isGraceful);
  return (
    <div className="flex shrink-0 flex-col gap-4">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="flex gap-2">
          <Checkbox
            id={id}
            className="mt-1"
            checked={isGraceful}
            disabled={isClosed}
            aria-describedby={lacks === undefined ? undefined : `${id}-lacks`}
            onChange={(event) => options.setGraceful(event.target.checked)}
          />
          <div>
            <label htmlFor={id} className="font-medium">
              Stop processes first
            </label>
            {lacks === undefined ? null : (
              <p id={`${id}-lacks`} className="text-ink-2 text-small">
                {lacks}
              </p>
            )}
            <p hidden={lacks !== undefined} className="text-ink-2 text-small leading-6">
              SIGTERM, up to{' '}
              {isGraceful ? (
                <Input
                  aria-label="Seconds to wait for processes to end"
                  aria-invalid={graceMs === undefined}
                  inputMode="numeric"
                  value={seconds}
                  disabled={isLocked}
                  onChange={(event) => options.setSeconds(event.target.value)}
                  className="mx-0.5 h-6! w-12 px-1.5! text-center text-ink"
                />
              ) : (
                seconds
              )}{' '}
              s to finish, then kill
            </p>
            {graceMs === undefined ? (
              <ErrorText>Enter whole seconds from 1 to {MAX_GRACE_SECONDS}.</ErrorText>
            ) : null}
          </div>
        </div>
        <div className="-mt-0.5 flex flex-wrap gap-x-8 sm:flex-col sm:items-end">{children}</div>
      </div>
      <ArchiveOption
        options={options}
        isLocked={isLocked}
        cannotArchive={props.cannotArchive}
        targets={props.targets}
      />
    </div>
  );
}

type ReasonProps = {
  reason: string;
  onReason: (reason: string) => void;
  isLocked: boolean;
  /** How long the kill can be cancelled, ms. `null`: not known yet. */
  windowMs: number | null;
};

/** Above the list of sandboxes, which takes the rest of the height. */
export function KillReason({ reason, onReason, isLocked, windowMs }: ReasonProps) {
  return (
    <Field label="Reason" hint={describeWindow(windowMs)} className="shrink-0">
      <Input
        value={reason}
        maxLength={MAX_REASON_CHARS}
        disabled={isLocked}
        placeholder="Optional. Saved in the audit log."
        onChange={(event) => onReason(event.target.value)}
      />
    </Field>
  );
}

function describeWindow(windowMs: number | null): string | undefined {
  // Reserves the line.
  if (windowMs === null) return '\u00a0';
  if (windowMs === 0) return undefined;
  return `You can cancel within ${windowMs / 1_000} s, before the first request is sent.`;
}
