import { Visible } from '@/components/ui/visible-text';
import type { Metadata } from '@/lib/sandbox/schema';
import { visibleText } from '@/lib/visible-text';

type Props = {
  metadata: Metadata;
  /** Keys to leave out, because they are shown elsewhere. */
  without?: ReadonlySet<string>;
  onPick?: (key: string, value: string) => void;
};

const CHIP = 'rounded-sm border border-line bg-surface px-1.5 font-mono text-[11px] leading-[18px]';
/** In a table row: one line, truncated. */
const CUT = 'relative -top-px mr-1.5 inline-block max-w-60 truncate align-middle hover:border-ink-3';
/** Before an irreversible action: the whole text. */
const WHOLE = 'inline-block max-w-full whitespace-pre-wrap break-words';

/**
 * Metadata as chips: truncated buttons with `onPick`, whole text without. As an inline block, a chip keeps its
 * bidirectional text from affecting its surroundings.
 */
export function MetadataChips({ metadata, without, onPick }: Props) {
  return Object.entries(metadata)
    .filter(([key]) => !without?.has(key))
    .map(([key, value]) =>
      onPick ? (
        <button
          key={key}
          type="button"
          tabIndex={-1}
          title={`Filter by ${visibleText(key)}=${visibleText(value)}`}
          onClick={() => onPick(key, value)}
          className={`${CHIP} ${CUT}`}
        >
          <MetadataText entry={[key, value]} />
        </button>
      ) : (
        <span key={key} className={`${CHIP} ${WHOLE}`}>
          <MetadataText entry={[key, value]} />
        </span>
      ),
    );
}

/** A metadata entry as text, such as `owner=ana`. */
export function MetadataText({
  entry: [key, value],
  maxChars = Number.POSITIVE_INFINITY,
}: {
  entry: readonly [key: string, value: string];
  /** Longer keys and values are cut. */
  maxChars?: number;
}) {
  return (
    <>
      <span className="text-ink-3">
        <Visible text={key.slice(0, maxChars)} />=
      </span>
      <Visible text={value.slice(0, maxChars)} />
    </>
  );
}
