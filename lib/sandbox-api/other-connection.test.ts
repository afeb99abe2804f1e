import { describe, expect, it, onTestFinished } from 'vitest';
import { SandkeeperError } from '../errors';
import type { SandboxKey } from '../sandbox-key';
import { serveHttp, thrownBy } from '../test-support/environment';
import { createSandboxApi, type SandboxApi } from './sandbox-api';

/** Services give the same ids, so a request for a sandbox of another connection would reach one that nobody meant. */

async function serve() {
  const requests: string[] = [];
  const apiUrl = await serveHttp((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.end(JSON.stringify({ sandboxID: 'i0', state: 'running', sandboxes: {} }));
  });
  const connection = { name: 'prod', kind: 'e2b', apiUrl, key: 'e2b_0', domain: 'x' } as const;
  const api = createSandboxApi(connection, { callMs: 15_000 });
  onTestFinished(api.close);
  return { api, requests };
}

type Call = (api: SandboxApi, key: SandboxKey) => Promise<unknown>;
const CALLS: [name: string, call: Call][] = [
  ['getSandbox', (api, key) => api.getSandbox(key)],
  ['killSandbox', (api, key) => api.killSandbox(key)],
  ['pauseSandbox', (api, key) => api.pauseSandbox(key)],
  ['resumeSandbox', (api, key) => api.resumeSandbox(key, { timeoutMs: 1_000 })],
  ['setSandboxTimeout', (api, key) => api.setSandboxTimeout(key, 1_000)],
  ['readLogs', (api, key) => api.readLogs(key, { direction: 'backward' })],
  ['readMetrics', (api, key) => api.readMetrics(key)],
  ['readLatestMetrics', (api, key) => api.readLatestMetrics(['prod/i0', key])],
  ['readEvents', (api, key) => api.readEvents(key)],
  ['openEnvd', (api, key) => api.openEnvd(key)],
];

describe.each(CALLS)('%s', (_, call) => {
  it('refuses a sandbox of another connection before any request', async () => {
    const { api, requests } = await serve();
    for (const key of ['dev/i0', 'prod-2/i0', 'pro/i0', 'Prod/i0', '/i0', 'dev/prod/i0'] as const) {
      const thrown = await thrownBy(() => call(api, key));
      // A fault of ours, which nobody may take for an answer of the service.
      expect(thrown).not.toBeInstanceOf(SandkeeperError);
      expect(thrown).toMatchObject({ message: `${key} is not a sandbox of the connection prod.` });
    }
    expect(requests).toEqual([]);
  });

  it('asks for a sandbox of its own by the id alone', async () => {
    const { api, requests } = await serve();
    await call(api, 'prod/i1').catch(() => {});
    expect(requests.length).toBeGreaterThan(0);
    for (const line of requests) {
      expect(line).toContain('i1');
      expect(decodeURIComponent(line)).not.toContain('prod');
    }
  });
});

it('gives the sandboxes that it lists, reads and creates keys of its own', async () => {
  const row = { sandboxID: 'i0', state: 'running' };
  const apiUrl = await serveHttp((request, response) =>
    response.end(JSON.stringify(request.url?.startsWith('/v2/') ? [row] : row)),
  );
  const apis = ['prod', 'dev'].map((name) =>
    createSandboxApi({ name, kind: 'moru', apiUrl, key: 'k', domain: 'x' }, { callMs: 15_000 }),
  );
  const request = { template: 'base', metadata: {}, timeoutMs: 1_000, autoPause: false };
  for (const api of apis) {
    onTestFinished(api.close);
    const { name } = api.connection;
    expect((await api.listSandboxes(null)).sandboxes).toMatchObject([{ key: `${name}/i0`, id: 'i0' }]);
    expect(await api.getSandbox(`${name}/i0`)).toMatchObject({ key: `${name}/i0`, id: 'i0' });
    expect(await api.createSandbox(request)).toBe(`${name}/i0`);
  }
});
