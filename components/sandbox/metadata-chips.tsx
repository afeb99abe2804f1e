import type { Metadata } from '@/lib/sandbox/schema';

type Props = {
  metadata: Metadata;
  /** Keys shown elsewhere. */
  without?: ReadonlySet<string>;
  onPick?: (key: string, value: string) => void;
};

const CHIP = 'rounded-sm border border-line bg-surface px-1.5 font-mono text-[11px] leading-[18px]';
/** In a row: on its line, cut where it gets long. */
const CUT = 'relative -top-px mr-1.5 inline-block max-w-60 truncate align-middle hover:border-ink-3';
/** Where it is read before something irreversible: all of it. */
const WHOLE = 'inline-block max-w-full whitespace-pre-wrap break-words';

/**
 * Metadata as chips, key muted, value dark; cut where they can be picked, whole where they are only read. The text is
 * anybody's: never markup, and isolated (each chip is an inline block, which bidirectional text cannot reach out of).
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
