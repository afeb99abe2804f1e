import { describe, expect, test } from 'vitest';
import { openGuests } from './guest-house';
import { startTestEngine } from './test-engine';

describe('a machine that cannot run processes', () => {
  test('says so once, serves the rest, and refuses commands with the same sentence', async () => {
    const engine = await startTestEngine({
      openGuests: (context) => openGuests(context, { agent: '/nowhere/agent.mjs' }),
    });
    const reason = engine.notes.find((note) => note.startsWith('Processes need '));
    expect(reason).toMatch(/\.$/);
    const id = await engine.create();
    const { envdAccessToken } = await engine.detail(id);
    const headers = {
      'moru-sandbox-id': id,
      'moru-sandbox-port': '49983',
      'x-access-token': envdAccessToken,
    };
    const list = await engine.call('POST', '/process.Process/List', {
      headers: { ...headers, 'content-type': 'application/json' },
      body: {},
    });
    expect(list).toMatchObject({ status: 501, json: { code: 'unimplemented', message: reason } });
    expect((await engine.call('GET', '/health', { headers })).status).toBe(204);
    expect((await engine.call('POST', `/sandboxes/${id}/pause`)).status).toBe(204);
    expect((await engine.call('DELETE', `/sandboxes/${id}`)).status).toBe(204);
  });
});
