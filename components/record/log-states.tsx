import Link from 'next/link';
import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';
import { paths } from '@/lib/paths';

const LINK = 'text-accent underline';

/** Nothing has been done from here so far. */
export function LogEmpty() {
  return (
    <div className="flex flex-col items-center px-5 pt-[10vh]">
      <Notice level="h2" title="Nothing has been done yet">
        <p>
          Every kill, pause, resume, change of time left and command is recorded here: who did it, when, why,
          to which sandboxes, and what became of each. Nobody can edit or delete it from here.
        </p>
        <p className="mt-4">
          <Link href={paths.sandboxes()} className={LINK}>
            Go to the sandboxes
          </Link>
        </p>
      </Notice>
    </div>
  );
}

/** An id that no operation has. */
export function UnknownOperation() {
  return (
    <main className="p-5">
      <Notice title="There is no operation with this id">
        <p>It may be mistyped, or be older than this Sandkeeper keeps its record.</p>
        <p className="mt-4">
          <Link href={paths.operations()} className={LINK}>
            All operations
          </Link>
        </p>
      </Notice>
    </main>
  );
}

type NothingProps = {
  /** What the record is of, such as `operations`. */
  what: string;
  isNoId: boolean;
  onClear: () => void;
};

/** There are entries, but not such. */
export function NothingMatches({ what, isNoId, onClear }: NothingProps) {
  return (
    <div className="flex flex-col items-center gap-3 px-5 pt-[14vh]">
      <p className="text-ink-2">
        {isNoId
          ? 'No sandbox can have such an id: it is 1 to 64 letters, digits, "-" or "_".'
          : `No ${what} pass these filters.`}
      </p>
      <Button onClick={onClear}>Show all {what}</Button>
    </div>
  );
}

/** Says that there is more at the top than is shown. */
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
  /** Where the newest are; `null`: here. */
  newest: string | null;
  /** Where older ones are; `null`: nowhere. */
  older: string | null;
};

/** The ways to older entries and back to the newest. */
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
        <span className="text-ink-3">These are the oldest.</span>
      ) : (
        <Link href={older} className={LINK}>
          Older
        </Link>
      )}
    </nav>
  );
}

const SKELETON_ROWS = 12;

/** The log's shape while it is being read. */
export function LogSkeleton() {
  return (
    <main className="flex-1 overflow-hidden" aria-busy="true">
      <div className="h-[39px] border-line border-b" />
      <div className="h-[53px] border-line border-b" />
      <div className="h-8 border-line border-b" />
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: these rows are all the same.
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
