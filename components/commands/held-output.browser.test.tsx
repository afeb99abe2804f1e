import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { NO_OUTPUT } from '@/lib/commands/schema';
import { HeldOutputView } from './held-output';

it('shows what a background process writes, and says that it is not recorded', async () => {
  const late = { ...NO_OUTPUT, head: 'late\n', totalBytes: 5 };
  await render(<HeldOutputView held={{ stdout: late, stderr: NO_OUTPUT, ending: null }} />);
  await expect.element(page.getByRole('status')).toHaveTextContent('is not recorded');
  await expect.element(page.getByRole('region', { name: 'stdout' })).toHaveTextContent('late');
  await expect.element(page.getByText('No new output yet')).not.toBeInTheDocument();
});

it('says when nobody holds the output any more', async () => {
  const ending = 'The background process has closed the output.';
  await render(<HeldOutputView held={{ stdout: NO_OUTPUT, stderr: NO_OUTPUT, ending }} />);
  await expect.element(page.getByRole('status')).toHaveTextContent(ending);
  await expect.element(page.getByText('No new output yet')).not.toBeInTheDocument();
});
