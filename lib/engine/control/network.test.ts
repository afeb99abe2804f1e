import { expect, test } from 'vitest';
import { FakeGuests, send, startTestEngine } from '../test-engine';
import { requireEnforceable } from './network';

type Rules = Parameters<typeof requireEnforceable>[0];

/** `host`: a network of this machine may be used. `none`: sandboxes never have one. */
function verdict(network: 'host' | 'none', rules: Rules, allowInternetAccess: boolean | null = null): string {
  try {
    requireEnforceable(rules, { prefix: 'network.', allowInternetAccess, hasNetwork: network === 'host' });
    return 'kept';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const REFUSED = (rule: string) =>
  expect.stringMatching(`^network\\.${rule}: not enforced by the local engine: `);

test('keeps rules that the network already fulfils', () => {
  for (const network of ['host', 'none'] as const) {
    expect(verdict(network, {})).toBe('kept');
    expect(verdict(network, {}, false)).toBe('kept');
    expect(verdict(network, { denyOut: ['0.0.0.0/0'] })).toBe('kept');
    expect(verdict(network, { allowOut: [], denyOut: [], rules: {}, egressProxy: null })).toBe('kept');
  }
  expect(verdict('none', { denyOut: ['8.8.8.8/32'] })).toBe('kept');
  expect(verdict('host', { allowOut: ['8.8.8.8/32'] })).toBe('kept');
});

test('refuses rules that nothing would enforce, by name', () => {
  expect(verdict('host', { denyOut: ['8.8.8.8/32'] })).toEqual(REFUSED('denyOut'));
  expect(verdict('host', { allowOut: ['example.com'], denyOut: ['0.0.0.0/0'] })).toEqual(REFUSED('allowOut'));
  expect(verdict('host', { allowOut: ['8.8.8.8'] }, false)).toEqual(REFUSED('allowOut'));
  expect(verdict('none', { allowOut: ['8.8.8.8'] })).toEqual(REFUSED('allowOut'));
  expect(verdict('none', { egressProxy: { address: 'proxy:1080' } })).toEqual(REFUSED('egressProxy'));
  expect(verdict('none', { rules: { 'a.com': [] } })).toEqual(REFUSED('rules'));
  expect(verdict('none', { allowIn: ['8.8.8.8'] })).toEqual(REFUSED('allowIn'));
});

test('shows the ports that speak TLS, also after another update, and rejects invalid ports', async () => {
  const engine = await startTestEngine();
  const id = await engine.create({ network: { httpsPorts: [443, 8443] } });
  const shown = async () => {
    const key = engine.apiKey.replace('moru_', 'e2b_');
    return (await engine.call('GET', `/sandboxes/${id}`, { key })).json;
  };
  expect(await shown()).toMatchObject({ network: { httpsPorts: [443, 8443] } });
  expect((await engine.call('PUT', `/sandboxes/${id}/network`, { body: {} })).status).toBe(204);
  expect(await shown()).toMatchObject({ network: { httpsPorts: [443, 8443] } });
  for (const httpsPorts of [[0], [65_536], [1.5], ['443'], 443]) {
    const body = { templateID: 'base', network: { httpsPorts } };
    const { status, json } = await engine.call('POST', '/sandboxes', { body });
    expect([status, json]).toMatchObject([400, { message: expect.stringContaining('httpsPorts') }]);
  }
});

test('answers 400 for such a rule, at the creation and later', async () => {
  const engine = await startTestEngine();
  const network = { allowOut: ['8.8.8.8/32'] };
  const created = await engine.call('POST', '/sandboxes', { body: { templateID: 'base', network } });
  expect([created.status, created.json]).toEqual([400, { code: 400, message: REFUSED('allowOut') }]);
  expect((await engine.call('GET', '/v2/sandboxes')).json).toEqual([]);

  const id = await engine.create();
  const put = (body: object) => engine.call('PUT', `/sandboxes/${id}/network`, { body });
  expect((await put(network)).json).toMatchObject({
    message: expect.stringMatching(/^allowOut: not enforced/),
  });
  expect((await put({ denyOut: ['nonsense'] })).status).toBe(400);
  expect((await put({ allow_internet_access: false, denyOut: ['1.1.1.1'] })).status).toBe(204);
  const key = engine.apiKey.replace('moru_', 'e2b_');
  expect((await engine.call('GET', `/sandboxes/${id}`, { key })).json).toMatchObject({
    allowInternetAccess: false,
    network: { denyOut: ['1.1.1.1'] },
  });
  await engine.call('POST', `/sandboxes/${id}/pause`);
  expect((await put({})).status).toBe(409);
  await engine.call('DELETE', `/sandboxes/${id}`);
  expect((await put({})).status).toBe(404);
});

test('changes the network of a sandbox only while none of its processes runs', async () => {
  const guests = new FakeGuests();
  guests.hasNetwork = true;
  guests.isInUse = () => true;
  const engine = await startTestEngine({ openGuests: guests.open });
  const id = await engine.create();
  const put = (body: object) => engine.call('PUT', `/sandboxes/${id}/network`, { body });
  expect((await put({ allow_internet_access: false })).json).toMatchObject({
    code: 400,
    message: expect.stringContaining('cannot change while its processes run'),
  });
  expect((await put({ allow_internet_access: true })).status).toBe(204);
  guests.isInUse = () => false;
  expect((await put({ denyOut: ['0.0.0.0/0'] })).status).toBe(204);
});

test('requires the traffic token on the ports of a sandbox without public traffic, and not for envd', async () => {
  const engine = await startTestEngine();
  const body = { templateID: 'base', secure: true, network: { allowPublicTraffic: false } };
  const { json } = await engine.call('POST', '/sandboxes', { body });
  const { sandboxID, trafficAccessToken } = json as { sandboxID: string; trafficAccessToken: string };
  const get = (port: number, headers: Record<string, string> = {}) =>
    send(engine.port, 'GET', '/health', undefined, {
      host: `${port}-${sandboxID}.localhost:${engine.port}`,
      ...headers,
    });
  expect(await get(3000)).toMatchObject({ status: 403, json: { sandboxId: sandboxID, code: 403 } });
  expect((await get(3000, { 'e2b-traffic-access-token': 'x' })).status).toBe(403);
  for (const name of ['e2b-traffic-access-token', 'moru-traffic-access-token']) {
    // Nothing listens there.
    expect((await get(3000, { [name]: trafficAccessToken })).status).toBe(502);
  }
  expect((await get(49983)).status).toBe(204);
});
