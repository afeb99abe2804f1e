import { describe, expect, it, vi } from 'vitest';
import { PageStatus } from './page-state';

/** Tabs of one browser. `isSignedIn`: what the server would answer. */
function openTabs(count: number) {
  const server = { isSignedIn: true };
  const heard: ((event: MessageEvent) => void)[] = [];
  const tabs = Array.from({ length: count }, (_, index) => {
    const channel = {
      postMessage: (data: unknown) => {
        for (const [other, listener] of heard.entries())
          if (other !== index) listener({ data } as MessageEvent);
      },
      addEventListener: (_type: string, listener: (event: MessageEvent) => void) => {
        heard[index] = listener;
      },
    };
    return new PageStatus(channel as unknown as BroadcastChannel, (page) => {
      if (server.isSignedIn) page.sessionIsValid();
    });
  });
  return { server, tabs, sessions: () => tabs.map((tab) => tab.state().session) };
}

describe('the session', () => {
  it('ends and is restored in every tab', () => {
    const { server, tabs, sessions } = openTabs(3);
    const restored = vi.fn();
    for (const tab of tabs) tab.onRestored(restored);
    server.isSignedIn = false;
    tabs[0]?.sessionEnded();
    expect(sessions()).toEqual(['ended', 'ended', 'ended']);
    server.isSignedIn = true;
    tabs[1]?.sessionIsValid();
    expect(sessions()).toEqual(['valid', 'valid', 'valid']);
    expect(restored).toHaveBeenCalledTimes(3);
  });

  it('stays ended when a tab announces another session that is over', () => {
    const { server, tabs, sessions } = openTabs(2);
    server.isSignedIn = false;
    tabs[0]?.sessionEnded();
    tabs[1]?.sessionIsValid();
    expect(sessions()).toEqual(['ended', 'valid']);
  });

  it('is left by the other tabs when the person signs out, and not asked for in this one', () => {
    const { tabs, sessions } = openTabs(3);
    tabs[0]?.leaving();
    tabs[1]?.sessionEnded();
    expect(sessions()).toEqual(['valid', 'left', 'left']);
    expect(tabs[0]?.isLeaving()).toBe(true);
  });

  it('is asked for again after a sign-out that failed', () => {
    const { tabs, sessions } = openTabs(2);
    tabs[0]?.leaving();
    tabs[0]?.stayed();
    tabs[0]?.sessionEnded();
    expect(sessions()).toEqual(['ended', 'ended']);
  });
});

describe('the build', () => {
  it('is outdated when the server runs another one, whichever is known first', () => {
    const page = new PageStatus(null);
    page.sawBuild('two');
    expect(page.state().isOutdated).toBe(false);
    page.loadedFrom('one');
    expect(page.state().isOutdated).toBe(true);
    // A refreshed layout names the new build, but the code stays.
    page.loadedFrom('two');
    expect(page.state().isOutdated).toBe(true);
    // The update was taken back.
    page.sawBuild('one');
    expect(page.state().isOutdated).toBe(false);
  });
});
