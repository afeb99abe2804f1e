import { FilePath } from '@/components/ui/visible-text';

const MAX_SHOWN = 50;

/** The paths that a dialog is about. */
export function PathList({ paths }: { paths: readonly string[] }) {
  return (
    <ul translate="no" className="max-h-40 overflow-y-auto font-mono text-small">
      {paths.slice(0, MAX_SHOWN).map((path) => (
        <li key={path} className="flex min-w-0">
          <FilePath path={path} />
        </li>
      ))}
      {paths.length > MAX_SHOWN ? <li className="text-ink-3">and {paths.length - MAX_SHOWN} more</li> : null}
    </ul>
  );
}
