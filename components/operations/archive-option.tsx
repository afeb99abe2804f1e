'use client';

import { useId } from 'react';
import { Input } from '@/components/ui/field';
import { MAX_ARCHIVE_PATH_CHARS, USERS_HOME } from '@/lib/operations/archive/archive-path';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { KillChoice } from './use-kill-options';

type Props = {
  options: KillChoice;
  isLocked: boolean;
  /** Why files cannot be saved; `null`: they can; `undefined` while that is not known. */
  cannotArchive: string | null | undefined;
  /** Who will be killed. */
  targets: readonly Sandbox[];
};

/** Whether a place of each sandbox is saved before its kill, which place, and what that means. */
export function ArchiveOption({ options, isLocked, cannotArchive, targets }: Props) {
  const { isArchiving, path, exportPath } = options;
  const id = useId();
  const about = `${id}-about`;
  const isOne = targets.length === 1;
  // What was chosen before can be let go of, also where it cannot be had any more.
  const isClosed = isLocked || (cannotArchive !== null && !isArchiving);
  return (
    <div className="flex gap-2">
      <input
        id={id}
        type="checkbox"
        className="mt-1 size-3.5 shrink-0 accent-accent"
        checked={isArchiving}
        disabled={isClosed}
        aria-describedby={about}
        onChange={(event) => options.setArchiving(event.target.checked)}
      />
      <div className="min-w-0 flex-1">
        <label htmlFor={id} className={isClosed && !isLocked ? 'font-medium text-ink-2' : 'font-medium'}>
          Save files first
        </label>
        <div id={about} className="text-ink-2 text-small leading-5">
          {cannotArchive ? (
            <p>{cannotArchive}</p>
          ) : (
            <p className="leading-6">
              {isArchiving ? (
                <Input
                  aria-label="What to save of each sandbox"
                  aria-invalid={exportPath === undefined}
                  value={path}
                  disabled={isLocked}
                  maxLength={MAX_ARCHIVE_PATH_CHARS}
                  autoComplete="off"
                  autoCapitalize="off"
                  spellCheck={false}
                  onChange={(event) => options.setPath(event.target.value)}
                  className="mr-1 h-6! w-full px-1.5! font-mono text-ink text-small sm:w-56"
                />
              ) : (
                <>
                  <span className="font-mono">{path}</span>,{' '}
                </>
              )}
              {saySaving(path, isOne)}
            </p>
          )}
          {isArchiving && !cannotArchive ? <Meaning targets={targets} /> : null}
        </div>
        {exportPath === undefined ? (
          <p role="alert" className="text-danger text-small">
            An absolute path such as /work/out, or one from ~ on.
          </p>
        ) : null}
      </div>
    </div>
  );
}

function saySaving(path: string, isOne: boolean): string {
  const home = path.trim() === USERS_HOME ? (isOne ? "its user's home, " : "their users' homes, ") : '';
  return `${home}to ${isOne ? 'a' : 'one'} .tar.gz ${isOne ? '' : 'each '}on the server`;
}

function Meaning({ targets }: Pick<Props, 'targets'>) {
  const isOne = targets.length === 1;
  const paused = targets.filter(({ state }) => state === 'paused').length;
  return (
    <>
      <p>
        {isOne ? 'It is' : 'Each is'} killed only once its archive was written and read again. Links and what
        cannot be read are only listed in it.
      </p>
      {paused === 0 ? null : (
        <p className="text-ink">
          {isOne ? 'It is paused, so it is' : `${paused} ${paused === 1 ? 'is' : 'are'} paused, so each is`}{' '}
          woken for this, with a time-out that pauses it again: its processes run meanwhile, and it uses a
          slot of the quota.
        </p>
      )}
    </>
  );
}
