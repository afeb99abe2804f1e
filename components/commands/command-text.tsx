import { CopyButton } from '@/components/ui/copy-button';
import { formatSpan } from '@/components/ui/duration';
import { Visible } from '@/components/ui/visible-text';
import type { ActParams } from '@/lib/operations/schema';

type Props = { params: ActParams; isHidden: boolean };

/** A command as it was typed, with its working directory and time limit. `isHidden`: its arguments are left out. */
export function CommandText({ params: { command = '', cwd, limitMs }, isHidden }: Props) {
  return (
    <section aria-label="Command" className="flex items-start gap-x-3 gap-y-1 max-sm:flex-wrap">
      <pre
        translate="no"
        className="max-h-40 min-w-0 overflow-auto whitespace-pre-wrap font-mono text-[12.5px] leading-5 [overflow-wrap:anywhere] max-sm:flex-1"
      >
        <span aria-hidden className="select-none text-ink-3">
          ${' '}
        </span>
        <Visible text={command} shape="block" />
      </pre>
      {isHidden ? (
        <p className="text-ink-3">Operators see the arguments.</p>
      ) : (
        <CopyButton text={command} label="Copy command" className="-my-0.5" />
      )}
      <p className="ml-auto text-ink-2 max-sm:basis-full sm:shrink-0">
        {cwd === undefined ? null : (
          <>
            in <Visible text={cwd} className="font-mono text-small" />,{' '}
          </>
        )}
        {limitMs === undefined ? null : `time limit ${formatSpan(limitMs)}`}
      </p>
    </section>
  );
}
