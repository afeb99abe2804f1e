import { describe, expect, it } from 'vitest';
import { serveHttp, setUpEngine, simulateNewProcess, thrownBy } from '../test-support/environment';
import { listSandboxes } from './control';
import { createDemoFleet, isLocalEngine, maxRunning } from './local-engine';

const engine = setUpEngine({ maxRunning: 33 });

describe('the local engine', () => {
  it('returns its limit and creates a demo fleet', async () => {
    expect(isLocalEngine()).toBe(true);
    expect(await maxRunning()).toBe(33);
    const { created } = await createDemoFleet();
    const { sandboxes } = await listSandboxes(null);
    expect(sandboxes).toHaveLength(created);
    expect(new Set(sandboxes.map(({ state }) => state))).toEqual(new Set(['running', 'paused']));
    expect(new Set(sandboxes.map(({ alias }) => alias)).size).toBeGreaterThan(1);
  });

  it('reports other responses as unavailable', async () => {
    const url = await serveHttp((_req, res) => res.writeHead(502).end('<html>Bad gateway</html>'));
    simulateNewProcess({ SANDKEEPER_ENGINE_URL: url });
    const gateway = await import('./local-engine');
    expect(await thrownBy(gateway.maxRunning)).toMatchObject({ code: 'unavailable' });
  });
});

it('creates no demo fleet and has no known limit with a cloud service', async () => {
  simulateNewProcess({ MORU_API_KEY: 'moru_0123', MORU_API_URL: engine.url });
  const gateway = await import('./local-engine');
  expect(gateway.isLocalEngine()).toBe(false);
  expect(await gateway.maxRunning()).toBeNull();
  expect(await thrownBy(gateway.createDemoFleet)).toMatchObject({ code: 'forbidden' });
});
