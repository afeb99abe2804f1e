import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { StateBadge } from '@/components/sandbox/state-badge';
import { Button } from '@/components/ui/button';
import { SandboxHeading, SandboxHeadingSkeleton } from './sandbox-heading';

const KEY = 'local/i9h51p1tj7sbhswri0lhh';

it.each([390, 768, 1280])('keeps its height when the sandbox has been read, at %i px', async (width) => {
  await page.viewport(width, 720);
  const { container, rerender } = await render(<SandboxHeadingSkeleton sandboxKey={KEY} tab="files" />);
  await expect.element(page.getByRole('status')).toHaveTextContent('Loading…');
  const expected = container.getBoundingClientRect().height;
  await rerender(
    <SandboxHeading sandboxKey={KEY} tab="files" badge={<StateBadge state="running" />}>
      {['Set time left…', 'Pause', 'Kill…'].map((label) => (
        <Button key={label}>{label}</Button>
      ))}
    </SandboxHeading>,
  );
  await expect.element(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  expect(container.getBoundingClientRect().height).toBe(expected);
  await page.viewport(1280, 720);
});
