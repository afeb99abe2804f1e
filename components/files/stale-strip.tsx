import type { FolderFailure } from '@/lib/files/browse/tree';

/** Says that what is shown was read before, and why it cannot be read now. */
export function StaleStrip({ failure }: { failure: FolderFailure }) {
  return (
    <p
      role="status"
      className="flex shrink-0 items-center gap-2 border-line border-b bg-paused-soft px-5 py-2 text-small"
    >
      <span aria-hidden className="size-2 shrink-0 rounded-full bg-paused" />
      <span>
        {failure.message} <span className="text-ink-2">What you see was read before.</span>
      </span>
    </p>
  );
}
