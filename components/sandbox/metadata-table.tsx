import Link from 'next/link';
import { CopyButton } from '@/components/ui/copy-button';
import { Visible } from '@/components/ui/visible-text';
import { metadataTerm } from '@/lib/fleet/filter/filter';
import { printTerm } from '@/lib/fleet/filter/print';
import { paths } from '@/lib/paths';
import type { Metadata } from '@/lib/sandbox/schema';

/** All metadata. Each value links to the sandboxes that share it. */
export function MetadataTable({ metadata }: { metadata: Metadata }) {
  const entries = Object.entries(metadata);
  return (
    <section
      aria-labelledby="metadata"
      className="self-start overflow-hidden rounded-md border border-line bg-surface"
    >
      <h2 id="metadata" className="border-line border-b px-4 py-2 font-semibold">
        Metadata
      </h2>
      {entries.length === 0 ? (
        <p className="px-4 py-3 text-ink-3">No metadata. It can only be set when a sandbox is created.</p>
      ) : (
        <dl>
          {entries.map(([key, value]) => (
            <div
              key={key}
              className="group grid grid-cols-[minmax(96px,1fr)_3fr_auto] items-start gap-4 border-line-soft border-b px-4 py-2 last:border-b-0"
            >
              <dt translate="no" className="break-words font-mono text-ink-3 text-small leading-5">
                <Visible text={key} />
              </dt>
              <dd
                translate="no"
                className="max-h-40 min-w-0 overflow-y-auto whitespace-pre-wrap break-words font-mono text-small leading-5"
              >
                <Link
                  href={{ pathname: paths.sandboxes(), query: { q: printTerm(metadataTerm(key, value)) } }}
                  prefetch={false}
                  title="Show sandboxes with this value"
                  className="hover:underline"
                >
                  <Visible text={value === '' ? '""' : value} shape="block" />
                </Link>
              </dd>
              <dd className="-my-0.5">
                <CopyButton text={value} label={`Copy the value of ${key}`} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
