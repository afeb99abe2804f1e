import type { Metadata } from '@/lib/sandbox/schema';

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
 * Metadata as chips: truncated buttons with `onPick`, whole text without. The text is untrusted; as an inline block,
 * a chip keeps bidirectional text from affecting its surroundings.
 */
export function MetadataChips({ metadata, without, onPick }: Props) {
  return Object.entries(metadata)
    .filter(([key]) => !without?.has(key))
    .map(([key, value]) => {
      const text = (
        <>
          <bdi className="text-ink-3">{key}=</bdi>
          {value}
        </>
      );
      return onPick ? (
        <button
          key={key}
          type="button"
          tabIndex={-1}
          title={`Filter by ${key}=${value}`}
          onClick={() => onPick(key, value)}
          className={`${CHIP} ${CUT}`}
        >
          {text}
        </button>
      ) : (
        <span key={key} className={`${CHIP} ${WHOLE}`}>
          {text}
        </span>
      );
    });
}
