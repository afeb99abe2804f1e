import type { Metadata } from '@/lib/sandbox/schema';

type Props = {
  metadata: Metadata;
  /** Keys shown elsewhere. */
  without?: ReadonlySet<string>;
  onPick?: (key: string, value: string) => void;
};

const CHIP =
  'relative -top-px inline-block max-w-60 truncate rounded-sm border border-line bg-surface px-1.5 align-middle font-mono text-[11px] leading-[18px]';

/**
 * Metadata as chips, key muted, value dark. The text is anybody's: cut, never markup, and isolated (each chip is an
 * inline block, which bidirectional text cannot reach out of).
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
          className={`${CHIP} mr-1.5 hover:border-ink-3`}
        >
          {text}
        </button>
      ) : (
        <span key={key} title={`${key}=${value}`} className={CHIP}>
          {text}
        </span>
      );
    });
}
