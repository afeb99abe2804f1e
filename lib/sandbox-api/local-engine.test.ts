import { describe, expect, it } from 'vitest';
import { serveHttp, setUpEngine, simulateNewProcess, thrownBy } from '../test-support/environment';
import { sandboxApi } from './configured';

const engine = setUpEngine({ maxRunning: 33 });

describe('the local engine', () => {
  it('returns its limit and creates a demo fleet', async () => {
    expect(sandboxApi('local').capabilities.lacking().demoFleet).toBeUndefined();
    expect(await sandboxApi('local').maxRunning()).toBe(33);
    const { created } = await sandboxApi('local').createDemoFleet();
    const { sandboxes } = await sandboxApi('local').listSandboxes(null);
    expect(sandboxes).toHaveLength(created);
    expect(new Set(sandboxes.map(({ state }) => state))).toEqual(new Set(['running', 'paused']));
    expect(new Set(sandboxes.map(({ alias }) => alias)).size).toBeGreaterThan(1);
  });

  it('reports other responses as unavailable', async () => {
    const url = await serveHttp((_req, res) => res.writeHead(502).end('<html>Bad gateway</html>'));
    simulateNewProcess({ SANDKEEPER_ENGINE_URL: url });
    const gateway = (await import('./configured')).sandboxApi('local');
    expect(await thrownBy(gateway.maxRunning)).toMatchObject({ code: 'unavailable' });
  });
});

it('creates no demo fleet and has no known limit with a cloud service', async () => {
  simulateNewProcess({ MORU_API_KEY: 'moru_0123', MORU_API_URL: engine.url });
  const gateway = (await import('./configured')).sandboxApi('moru');
  expect(await gateway.maxRunning()).toBeNull();
  expect(await thrownBy(gateway.createDemoFleet)).toMatchObject({
    code: 'not_offered',
    message: gateway.capabilities.lacking().demoFleet,
  });
});
