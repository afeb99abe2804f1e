import 'server-only';
import { cookies } from 'next/headers';
import type { ShellProps } from '@/components/shell/shell';
import { parseTheme, THEME_COOKIE } from '@/components/ui/theme';
import type { Session } from '@/lib/access/sessions';
import { config } from '@/lib/config';
import { countStates } from '@/lib/fleet/view';
import { fleetWatcher } from '@/lib/fleet/watcher';

/** How the fleet stands now, as far as it has been read. */
export function fleetSummary(): ShellProps['summary'] {
  const { sandboxes, status } = fleetWatcher().snapshot();
  return { ...countStates(sandboxes), status, nowMs: Date.now() };
}

/** What the bar at the top of every page shows. */
export async function shellProps(
  { actor, role }: Session,
  { running, paused, status, nowMs }: ShellProps['summary'],
): Promise<ShellProps> {
  const { upstream } = config();
  return {
    actor,
    role,
    theme: parseTheme((await cookies()).get(THEME_COOKIE)?.value),
    upstreamName: upstream.kind === 'local' ? 'Local engine' : new URL(upstream.apiUrl).host,
    summary: { running, paused, status, nowMs },
  };
}
