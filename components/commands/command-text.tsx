import { CopyButton } from '@/components/ui/copy-button';
import { formatSpan } from '@/components/ui/duration';
import { Visible } from '@/components/ui/visible-text';
import type { ActParams } from '@/lib/operations/schema';

/** A command as it was typed, with its working directory and time limit. */
export function CommandText({ params: { command = '', cwd, limitMs } }: { params: ActParams }) {
  return (
    <section aria-label="Command" className="flex items-start gap-3">
      <pre
        translate="no"
        className="max-h-40 min-w-0 overflow-auto whitespace-pre-wrap break-all font-mono text-[12.5px] leading-5"
      >
        <span aria-hidden className="select-none text-ink-3">
          ${' '}
        </span>
        <Visible text={command} shape="block" />
      </pre>
      <CopyButton text={command} label="Copy command" className="-my-0.5" />
      <p className="ml-auto shrink-0 text-ink-2">
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
