import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Dotted } from './dotted';

it('shows a dot only between parts of the same line', async () => {
  for (const widthPx of [600, 260, 120]) {
    const { container, unmount } = await render(
      <p style={{ width: widthPx }}>
        <Dotted>
          <span>admin</span>
          <span>Yesterday at 12:34:56</span>
          {null}
          <span>“Nightly leftovers”</span>
        </Dotted>
      </p>,
    );
    await expect.element(page.getByText('admin')).toBeVisible();
    expect(container.textContent).toBe('admin · Yesterday at 12:34:56 · “Nightly leftovers”');
    const frame = container.querySelector('p')?.getBoundingClientRect();
    const parts = [...container.querySelectorAll('p > span > span > span')].map(
      (part) => part.lastElementChild,
    );
    for (const [at, part] of parts.entries()) {
      const dot = part?.previousElementSibling?.getBoundingClientRect();
      const before = parts[at - 1]?.getBoundingClientRect();
      if (!dot || !before || !part) continue;
      const isOnSameLine = Math.abs(before.top - part.getBoundingClientRect().top) < 2;
      // What is left of the frame is cut off.
      expect(dot.left >= (frame?.left ?? 0), `${widthPx} px, part ${at}`).toBe(isOnSameLine);
    }
    expect(container.scrollWidth).toBeLessThanOrEqual(container.clientWidth);
    await unmount();
  }
});
