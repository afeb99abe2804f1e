import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { CommandBadge } from '@/components/commands/command-badge';
import { noCounts, OUTCOMES, type Outcome } from '@/lib/operations/schema';
import { SANDBOX_ACTS, type SandboxAct } from '@/lib/sandbox/can';
import { OutcomeBadge, OutcomeBar } from './outcome';

/** The computed colours of every element within `element`. */
function coloursOf(element: Element): string[] {
  return [...element.querySelectorAll('*')].map((part) => getComputedStyle(part).backgroundColor);
}

async function tokens() {
  const { container } = await render(
    <div>
      <i className="bg-running" />
      <i className="bg-paused" />
      <i className="bg-danger" />
    </div>,
  );
  const [green = '', amber = '', red = ''] = coloursOf(container).slice(1);
  return { green, amber, red };
}

const GREEN: ReadonlySet<Outcome> = new Set(['done', 'sending']);

async function shownFor(act: SandboxAct, outcome: Outcome): Promise<string[]> {
  const { container, unmount } = await render(
    <>
      <OutcomeBadge act={act} outcome={outcome} />
      <OutcomeBar act={act} counts={{ ...noCounts(), [outcome]: 2 }} />
    </>,
  );
  const colours = coloursOf(container).map((colour) => colour.replace(/ \/ [\d.]+\)/, ')'));
  await unmount();
  return colours;
}

it('shows only successes and what is under way in green, a pause in amber, and a failed kill alone in red', async () => {
  const { green, amber, red } = await tokens();
  expect(new Set([green, amber, red]).size).toBe(3);
  for (const act of SANDBOX_ACTS)
    for (const outcome of OUTCOMES) {
      const colours = await shownFor(act, outcome);
      const isPaused = act === 'pause' && outcome === 'done';
      const about = `${act} ${outcome}`;
      expect(colours.includes(green), about).toBe(GREEN.has(outcome) && !isPaused);
      expect(colours.includes(amber), about).toBe(isPaused);
      expect(colours.includes(red), about).toBe(
        act === 'kill' && (outcome === 'failed' || outcome === 'denied'),
      );
    }
});

it('shows a command in green only while it runs, or if it exited with 0 and wrote nothing to stderr', async () => {
  const { green, amber } = await tokens();
  const cases = [
    { ending: null, exitCode: null, outcome: 'sending', hasStderr: false, isGreen: true, text: 'running' },
    { ending: 'exited', exitCode: 0, outcome: 'done', hasStderr: false, isGreen: true, text: 'exit 0' },
    {
      ending: 'exited',
      exitCode: 0,
      outcome: 'done',
      hasStderr: true,
      isGreen: false,
      text: 'exit 0, with stderr',
    },
    { ending: 'held', exitCode: 0, outcome: 'done', hasStderr: false, isGreen: false, text: 'exit 0' },
    { ending: 'exited', exitCode: 3, outcome: 'partial', hasStderr: false, isGreen: false, text: 'exit 3' },
    { ending: 'lost', exitCode: null, outcome: 'unknown', hasStderr: false, isGreen: false, text: 'unknown' },
  ] as const;
  for (const { isGreen, text, ...badge } of cases) {
    const { container, unmount } = await render(<CommandBadge {...badge} signal={null} />);
    await expect.element(page.getByText(text, { exact: true })).toBeVisible();
    expect(coloursOf(container).includes(green), text).toBe(isGreen);
    expect(coloursOf(container).includes(amber), text).toBe(false);
    await unmount();
  }
});
