'use client';

import Link from 'next/link';
import { FileName } from '@/components/ui/visible-text';
import { ancestorsOf, baseName } from '@/lib/files/guest-path';
import { paths } from '@/lib/paths';
import type { SandboxKey } from '@/lib/sandbox-key';

type Props = { sandboxKey: SandboxKey; path: string; onGo: (path: string) => void };

export function Breadcrumbs({ sandboxKey, path, onGo }: Props) {
  const above = ancestorsOf(path);
  return (
    <nav aria-label="Folder" className="min-w-0 flex-1">
      <ol translate="no" className="-ml-1 flex min-w-0 items-center font-mono text-small">
        {above.map((folder) => (
          <li key={folder} className="flex min-w-0 shrink items-center not-first:shrink-[4]">
            <Link
              href={paths.sandboxFiles(sandboxKey, { path: folder })}
              prefetch={false}
              onClick={(event) => {
                // Modified clicks open the link; a plain one navigates on the client.
                if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
                event.preventDefault();
                onGo(folder);
              }}
              className="flex min-h-6 min-w-6 items-center rounded-sm px-1 py-0.5 text-ink-2 hover:bg-hover hover:text-ink"
            >
              <FileName name={baseName(folder)} />
            </Link>
            {folder === '/' ? null : (
              <span aria-hidden className="text-ink-3">
                /
              </span>
            )}
          </li>
        ))}
        <li className="flex min-w-0 items-center px-1 font-medium" aria-current="location">
          <FileName name={baseName(path)} />
        </li>
      </ol>
    </nav>
  );
}
