import { afterEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { useMatchingRows } from '@/components/fleet/use-rows';
import { rowWith } from '@/lib/fleet/test-fleet';
import { DEFAULT_SORT, type FirstScreen } from '@/lib/fleet/view';
import { tabClock } from '@/lib/live/server-clock';
import { SandboxFacts } from './sandbox-facts';
import { SandboxAge, SandboxTimeLeft } from './time-left';

const MINUTE_MS = 60_000;
afterEach(() => {
  for (const name of ['local', 'staging']) tabClock.observeService(name, 0);
  for (let count = 0; count < 40; count += 1) tabClock.observe(Date.now(), Date.now());
});

/** Sets how far the clocks of the browser and of the service are ahead of the server's. */
function setClocks(browserAheadMs: number, serviceAheadMs: number): number {
  for (let count = 0; count < 40; count += 1) tabClock.observe(Date.now() - browserAheadMs, Date.now());
  tabClock.observeService('local', serviceAheadMs);
  // A connection that speaks later says nothing about the others.
  tabClock.observeService('staging', serviceAheadMs + 60 * MINUTE_MS);
  return Date.now() - browserAheadMs + serviceAheadMs;
}

const NOTHING: FirstScreen = {
  sandboxes: [],
  matching: 0,
  total: 0,
  running: 0,
  paused: 0,
  facets: [],
  nowMs: 0,
  status: {
    asOfMs: 0,
    problem: null,
    unreadable: 0,
    isEndless: false,
    serviceAheadMs: 0,
    maxRunning: null,
    lacking: {},
  },
  statuses: {},
  connections: [],
};

function Matching({ nowMs, text }: { nowMs: number; text: string }) {
  const rows = [1, 3].map((minutes) => {
    const startedAtMs = nowMs - minutes * MINUTE_MS;
    const times = { startedAtMs, endAtMs: nowMs + minutes * 2 * MINUTE_MS };
    return rowWith({ id: `i${minutes}`, ...times }, { serviceAheadMs: tabClock.serviceAheadMs('local') });
  });
  const { matching } = useMatchingRows(rows, NOTHING, { text, sort: DEFAULT_SORT });
  return <p>{matching.map(({ sandbox }) => sandbox.id).join(' ')}</p>;
}

it.each([
  [10 * MINUTE_MS, 0],
  [-10 * MINUTE_MS, 0],
  [0, 10 * MINUTE_MS],
  [-10 * MINUTE_MS, -5 * MINUTE_MS],
])(
  'shows and filters ages and times left right with a browser %i ms and a service %i ms ahead',
  async (browserMs, serviceMs) => {
    const nowMs = setClocks(browserMs, serviceMs);
    const { sandbox } = rowWith({ startedAtMs: nowMs, endAtMs: nowMs + 5 * MINUTE_MS + 30_000 });
    await render(
      <>
        <p data-testid="age">
          <SandboxAge sandbox={sandbox} sinceMs={nowMs - 3 * MINUTE_MS - 30_000} nowMs={0} />
        </p>
        <p data-testid="left">
          <SandboxTimeLeft sandbox={sandbox} nowMs={0} />
        </p>
        <div data-testid="old">
          <Matching nowMs={nowMs} text="age>2m" />
        </div>
        <div data-testid="short">
          <Matching nowMs={nowMs} text="left<3m" />
        </div>
      </>,
    );
    await expect.element(page.getByTestId('age')).toHaveTextContent(/^3m \d\ds$/);
    await expect.element(page.getByTestId('left')).toHaveTextContent(/^5m \d\ds$/);
    await expect.element(page.getByTestId('old')).toHaveTextContent(/^i3$/);
    await expect.element(page.getByTestId('short')).toHaveTextContent(/^i1$/);
  },
);

it('shows a start and a deadline on the clock of Sandkeeper, as the fleet does', async () => {
  // A connection of which this tab hears nothing.
  const aheadMs = 7 * MINUTE_MS;
  const startedMs = Date.UTC(2026, 4, 1, 12);
  const row = rowWith(
    { key: 'far/i1', startedAtMs: startedMs + aheadMs, endAtMs: startedMs + aheadMs + 60 * MINUTE_MS },
    { serviceAheadMs: aheadMs },
  );
  const times = () =>
    [...document.querySelectorAll('time')].map(({ dateTime }) => Date.parse(dateTime) - startedMs);
  // As served, and once the tab knows the clock itself.
  await render(<SandboxFacts sandbox={row.sandbox} nowMs={startedMs} aheadMs={aheadMs} />);
  tabClock.observeService('far', aheadMs);
  expect(row.startedMs).toBe(startedMs);
  await expect.poll(times).toEqual([0, 60 * MINUTE_MS]);
  tabClock.observeService('far', -aheadMs);
  await expect.poll(times).toEqual([2 * aheadMs, 60 * MINUTE_MS + 2 * aheadMs]);
});
