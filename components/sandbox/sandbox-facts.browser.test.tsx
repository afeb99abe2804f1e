import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { rowWith } from '@/lib/fleet/test-fleet';
import type { Sandbox } from '@/lib/sandbox/schema';
import { SandboxFacts } from './sandbox-facts';

it.each<[Partial<Sandbox>, string]>([
  [{ lifecycle: { onTimeout: 'pause', autoResume: false } }, 'Pauses at its deadline.'],
  [{ lifecycle: { onTimeout: 'kill', autoResume: false } }, 'Killed at its deadline.'],
  [
    { lifecycle: { onTimeout: 'pause', autoResume: true } },
    'Pauses at its deadline. Any traffic to it resumes it.',
  ],
  [
    {},
    'The sandbox is then paused or killed, as chosen when it was created. The service does not report which.',
  ],
  [
    { state: 'paused', lifecycle: { onTimeout: 'pause', autoResume: true } },
    'A paused sandbox has no deadline. It keeps its files and memory until it is resumed or killed. Any traffic to it resumes it.',
  ],
])('says what happens at the deadline with %j', async (changes, hint) => {
  await render(<SandboxFacts sandbox={rowWith(changes).sandbox} nowMs={Date.now()} aheadMs={0} />);
  await expect.element(page.getByText(hint, { exact: true })).toBeVisible();
});
