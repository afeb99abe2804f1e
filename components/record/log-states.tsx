import Link from 'next/link';
import { Button } from '@/components/ui/button';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { paths } from '@/lib/paths';

const LINK = 'text-accent underline';

export function UnknownOperation() {
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <NoticeColumn>
        <Notice title="Operation not found">
          <p>
            The ID may be mistyped, the operation may be older than the retention period, or it may concern a
            connection that you have no access to.
          </p>
          <p className="mt-4">
            <Link href={paths.operations()} className={LINK}>
              View all operations
            </Link>
          </p>
        </Notice>
      </NoticeColumn>
    </main>
  );
}

type NothingProps = {
  /** The entries, such as `operations`. */
  noun: string;
  isInvalidId: boolean;
  onClear: () => void;
};

export function NothingMatches({ noun, isInvalidId, onClear }: NothingProps) {
  return (
    <div className="flex flex-col items-center gap-3 px-5 pt-[14vh]">
      <p className="text-ink-2">
        {isInvalidId
          ? 'This is not a valid sandbox ID. IDs have 1 to 64 letters, digits, "-" or "_".'
          : `No ${noun} match these filters.`}
      </p>
      <Button onClick={onClear}>Show all {noun}</Button>
    </div>
  );
}

/** Announces new entries, which are not inserted because rows must not move. */
export function LogNews({ count, onShow }: { count: number; onShow: () => void }) {
  return (
    <div role="status" className="relative z-30 h-0">
      <button
        type="button"
        onClick={onShow}
        className="-translate-x-1/2 absolute top-9 left-1/2 rounded-full border border-line bg-raise px-3 py-0.5 text-small shadow-float"
      >
        {count} new · <span className="text-accent">show</span>
      </button>
    </div>
  );
}

type PagingProps = {
  /** `null`: this is the first page. */
  newest: string | null;
  /** `null`: this is the last page. */
  older: string | null;
};

export function LogPaging({ newest, older }: PagingProps) {
  if (older === null && newest === null) return null;
  return (
    <nav aria-label="Pages" className="flex shrink-0 gap-4 border-line border-t px-5 py-2">
      {newest === null ? null : (
        <Link href={newest} className={LINK}>
          Newest
        </Link>
      )}
      {older === null ? (
        <span className="text-ink-3">No older entries</span>
      ) : (
        <Link href={older} className={LINK}>
          Older
        </Link>
      )}
    </nav>
  );
}

const SKELETON_ROWS = 12;

export function LogSkeleton() {
  return (
    <main className="flex-1 overflow-hidden" aria-busy="true">
      <div className="h-[39px] border-line border-b" />
      <div className="h-[53px] border-line border-b" />
      <div className="h-8 border-line border-b" />
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows are identical.
          key={index}
          className="flex h-[34px] items-center gap-6 border-line-soft border-b px-5"
        >
          <span className="h-2.5 w-24 animate-pulse rounded-full bg-line" />
          <span className="h-2.5 w-14 animate-pulse rounded-full bg-line" />
          <span className="h-2.5 w-44 animate-pulse rounded-full bg-line" />
          <span className="h-2.5 flex-1 animate-pulse rounded-full bg-line-soft" />
        </div>
      ))}
    </main>
  );
}
