import type { ReactNode } from 'react';

type Props = {
  /** The pages above this one. */
  above: ReactNode;
  title: ReactNode;
  /** Beside the title. */
  badge?: ReactNode;
  /** Buttons. */
  children?: ReactNode;
};

/** The header of a page of the settings. */
export function SettingsHeading({ above, title, badge, children }: Props) {
  return (
    <div className="shrink-0 border-line border-b">
      <div className="flex min-h-14 flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
        <nav aria-label="Breadcrumb" className="text-ink-3">
          {above} /
        </nav>
        <h1 className="min-w-0 truncate text-title">{title}</h1>
        {badge}
        <div className="ml-auto flex flex-wrap items-center gap-2">{children}</div>
      </div>
    </div>
  );
}
