import { CopyButton } from '@/components/ui/copy-button';
import { SettingsHeading } from '@/components/ui/settings-heading';
import { Visible } from '@/components/ui/visible-text';
import type { About, ShownSetting } from '@/lib/settings/about';

const SOURCES = {
  default: 'default',
  environment: 'environment',
  file: 'file',
} satisfies Record<ShownSetting['source'], string>;

/** What this Sandkeeper is, and which limits are in force. `diagnostics`: the same as text, for admins. */
export function AboutPage({ about, diagnostics }: { about: About; diagnostics: string | null }) {
  const { version, build, limits, details } = about;
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <SettingsHeading above="Settings" title="About">
        {diagnostics === null ? null : (
          <span className="flex items-center gap-1 text-ink-2">
            Copy diagnostics <CopyButton text={diagnostics} label="Copy diagnostics" />
          </span>
        )}
      </SettingsHeading>
      <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto px-5 py-4">
        <dl className="grid max-w-3xl grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 [&>dt]:text-ink-3">
          <dt>Version</dt>
          <dd>{version}</dd>
          <dt>Build</dt>
          <dd translate="no" className="break-all font-mono text-small">
            {build}
          </dd>
          {details === null ? null : (
            <>
              <dt>Database</dt>
              <dd>{details.database}</dd>
              <dt>Runs on</dt>
              <dd>{details.runtime}</dd>
            </>
          )}
        </dl>
        <Settings title="Limits in force" settings={limits} />
        {details === null ? (
          <p className="text-ink-2">Admins of all connections also see the settings of the server.</p>
        ) : (
          <Settings title="Settings" settings={details.settings} />
        )}
      </div>
    </main>
  );
}

function Settings({ title, settings }: { title: string; settings: readonly ShownSetting[] }) {
  return (
    <section aria-label={title} className="max-w-3xl">
      <h2 className="mb-1.5 font-semibold">{title}</h2>
      <ul className="border-line border-t">
        {settings.map(({ name, title: words, value, source }) => (
          <li
            key={name}
            className="grid grid-cols-2 items-baseline gap-x-4 gap-y-0.5 border-line-soft border-b py-1.5 sm:grid-cols-[14rem_1fr_18rem_6rem]"
          >
            <span>{words}</span>
            <span className="min-w-0 break-words max-sm:text-right">
              <Visible text={value} />
            </span>
            <code translate="no" className="min-w-0 break-all font-mono text-ink-3 text-small">
              {name}
            </code>
            <span className="text-ink-3 max-sm:text-right">{SOURCES[source]}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
