'use client';

import { useId } from 'react';
import { Checkbox } from '@/components/ui/checkbox';
import { ErrorText, Input } from '@/components/ui/field';
import { MAX_ARCHIVE_PATH_CHARS, USERS_HOME } from '@/lib/operations/archive/archive-path';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { KillChoice } from './use-kill-options';

type Props = {
  options: KillChoice;
  isLocked: boolean;
  /** Why files cannot be archived. `null`: they can; `undefined`: not known yet. */
  cannotArchive: string | null | undefined;
  targets: readonly Sandbox[];
};

/** The option to archive a path of each sandbox before its kill. */
export function ArchiveOption({ options, isLocked, cannotArchive, targets }: Props) {
  const { isArchiving, path, exportPath } = options;
  const id = useId();
  const about = `${id}-about`;
  const isOne = targets.length === 1;
  // An option taken over from an earlier operation can be cleared even if it is unavailable now.
  const isClosed = isLocked || (cannotArchive !== null && !isArchiving);
  return (
    <div className="flex gap-2">
      <Checkbox
        id={id}
        className="mt-1"
        checked={isArchiving}
        disabled={isClosed}
        aria-describedby={about}
        onChange={(event) => options.setArchiving(event.target.checked)}
      />
      <div className="min-w-0 flex-1">
        <label htmlFor={id} className={isClosed && !isLocked ? 'font-medium text-ink-2' : 'font-medium'}>
          Archive files first
        </label>
        <div id={about} className="text-ink-2 text-small leading-5">
          {cannotArchive ? (
            <p>{cannotArchive}</p>
          ) : (
            <p className="leading-6">
              {isArchiving ? (
                <Input
                  aria-label="Path to archive"
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
                  <span translate="no" className="font-mono">
                    {path}
                  </span>
                  ,{' '}
                </>
              )}
              {describeArchive(path, isOne)}
            </p>
          )}
          {isArchiving && !cannotArchive ? <Meaning targets={targets} /> : null}
        </div>
        {exportPath === undefined ? (
          <ErrorText>Enter an absolute path such as /work/out, or a path that starts with ~.</ErrorText>
        ) : null}
      </div>
    </div>
  );
}

function describeArchive(path: string, isOne: boolean): string {
  const home = path.trim() === USERS_HOME ? `the user's home directory, ` : '';
  return `${home}to ${isOne ? 'a .tar.gz' : 'one .tar.gz each'} on the server`;
}

function Meaning({ targets }: Pick<Props, 'targets'>) {
  const isOne = targets.length === 1;
  const paused = targets.filter(({ state }) => state === 'paused').length;
  return (
    <>
      <p>
        {isOne ? 'The sandbox' : 'Each sandbox'} is killed only after its archive is verified. Links and
        unreadable files are listed in the archive but not included.
      </p>
      {paused === 0 ? null : (
        <p className="text-ink">
          {isOne
            ? 'It is paused and will be woken for this.'
            : `${paused} ${paused === 1 ? 'is paused and will be woken for this.' : 'are paused and will be woken for this.'}`}{' '}
          Its processes run until it is killed or paused again, and it counts toward your limit of running
          sandboxes.
        </p>
      )}
    </>
  );
}
