import { Visible } from '@/components/ui/visible-text';
import type { GroupGrant } from '@/lib/declared-providers';
import { EVERYWHERE } from '@/lib/grants';

/** Which groups give which role, and where. */
export function GrantsTable({ grants, from }: { grants: readonly GroupGrant[]; from: string }) {
  return (
    <section
      aria-label="Roles by group"
      className="min-w-0 self-stretch overflow-hidden rounded-md border border-line bg-surface"
    >
      <div className="border-line border-b px-4 py-2">
        <h3 className="font-semibold">Roles by group</h3>
        <p className="text-ink-3 text-small">
          <Visible text={from} />
        </p>
      </div>
      <table className="w-full table-fixed text-left">
        <thead className="text-ink-2 text-small">
          <tr>
            <th className="w-2/5 px-4 py-1.5 font-normal">Group</th>
            <th className="w-20 px-2 py-1.5 font-normal">Role</th>
            <th className="px-4 py-1.5 font-normal">Connections</th>
          </tr>
        </thead>
        <tbody>
          {grants.map(({ group, role, on }) => (
            <tr key={JSON.stringify([group, role, on])} className="border-line-soft border-t align-top">
              <th scope="row" className="px-4 py-1.5 font-normal [overflow-wrap:anywhere]">
                <Visible text={group} />
              </th>
              <td className="px-2 py-1.5">{role}</td>
              <td className="px-4 py-1.5 [overflow-wrap:anywhere]">{describePlaces(on)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function describePlaces(on: readonly string[]): string {
  return on.includes(EVERYWHERE) ? 'All' : on.join(', ');
}
