import Link from 'next/link';
import { paths } from '@/lib/paths';
import { type Role, roleSuffices } from '@/lib/roles';

/** Shown instead of the fleet while no connection is in use. */
export function NoConnections({ role }: { role: Role }) {
  return (
    <div className="flex flex-1 flex-col items-center overflow-y-auto px-5 pt-[10vh] pb-10">
      <section className="w-full max-w-xl">
        <h2 className="font-semibold text-title">No connections</h2>
        <p className="text-ink-2">
          Sandkeeper shows the sandboxes of the services that it is connected to. No connection is in use.
        </p>
        {roleSuffices(role, 'admin') ? (
          <Link
            href={paths.connections()}
            className="mt-4 inline-flex h-8 items-center rounded-md bg-accent px-3 font-medium text-accent-ink"
          >
            Add a connection
          </Link>
        ) : (
          <p className="mt-2 text-ink-2">Ask an admin to add one in the settings.</p>
        )}
      </section>
    </div>
  );
}
