import { type Browser, type BrowserContext, chromium } from '@playwright/test';
import type { Sandkeeper } from '../../e2e/support/deployment';

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH || undefined,
    chromiumSandbox: false,
    args: ['--disable-background-networking', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** The cookies of a session. */
export function cookiesOf(
  sandkeeper: Sandkeeper,
  session: string,
): Parameters<BrowserContext['addCookies']>[0] {
  return [
    {
      name: sandkeeper.sessionCookieName,
      value: session,
      url: sandkeeper.url,
      httpOnly: true,
      sameSite: 'Strict',
    },
  ];
}

/** Times from navigation to the first paint with rows, measured in the page, of several visits, ms. */
export async function measureFirstRows(
  context: BrowserContext,
  url: string,
  visits: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let visit = 0; visit < visits; visit += 1) {
    const page = await context.newPage();
    await page.addInitScript(() => {
      const check = () => {
        if (document.querySelector('[role=row] [role=gridcell]'))
          requestAnimationFrame(() => setTimeout(() => performance.mark('rows-painted')));
        else requestAnimationFrame(check);
      };
      requestAnimationFrame(check);
    });
    await page.goto(url);
    const painted = await page.waitForFunction(
      () => performance.getEntriesByName('rows-painted')[0]?.startTime,
    );
    times.push((await painted.jsonValue()) ?? 0);
    await page.close();
  }
  return times;
}
