import { describe, expect, test } from 'vitest';
import { openGuests } from './guest-runtime';
import { missingProtections } from './jail/support';
import { startTestEngine, type TestEngine } from './test-engine';

describe('disk quota', () => {
  const uploadMB = async (engine: TestEngine, sizeMB: number) => {
    const id = await engine.create();
    const { envdAccessToken } = await engine.detail(id);
    const headers = {
      'moru-sandbox-id': id,
      'moru-sandbox-port': '49983',
      'x-access-token': envdAccessToken,
    };
    const disposition = 'Content-Disposition: form-data; name="file"; filename="x"';
    const response = await engine.call('POST', '/files?path=large', {
      headers: { ...headers, 'content-type': 'multipart/form-data; boundary=b' },
      body: `--b\r\n${disposition}\r\n\r\n${'x'.repeat(sizeMB * 1024 * 1024)}\r\n--b--`,
    });
    const { json } = await engine.call('GET', '/metrics', { headers });
    return { status: response.status, quotaMB: (json as { disk_total: number }).disk_total / 1024 / 1024 };
  };

  test('is the option of the engine', async () => {
    const engine = await startTestEngine({
      openGuests: (context) => openGuests(context, { diskQuotaMB: 2 }),
    });
    expect(await uploadMB(engine, 1)).toEqual({ status: 200, quotaMB: 2 });
    expect(await uploadMB(engine, 3)).toEqual({ status: 507, quotaMB: 2 });
  });

  test('is the disk size of the template by default', async () => {
    const engine = await startTestEngine({ openGuests: (context) => openGuests(context) });
    expect(await uploadMB(engine, 3)).toEqual({ status: 200, quotaMB: 10_240 });
  });
});

describe('on a machine without a protection', () => {
  test.each(['riscv64', 'ppc64', 's390x', 'loong64'])(
    'notes that %s has no filter of system calls',
    (architecture) => {
      expect(missingProtections({ loader: '/loader' }, architecture)).toEqual([
        expect.stringContaining(`not for ${architecture}.`),
      ]);
    },
  );

  test('notes that sandboxes can trace their agent', () => {
    expect(missingProtections({ loader: null }, 'x64')).toEqual([
      expect.stringContaining('can trace their agent'),
    ]);
  });

  test.each(['x64', 'arm64'])('notes nothing if %s has them all', (architecture) => {
    expect(missingProtections({ loader: '/loader' }, architecture)).toEqual([]);
  });

  test('says so at the start', async () => {
    const notes = ['Sandboxes run without the filter of system calls.'];
    const engine = await startTestEngine({
      openGuests: async (context) => {
        const runtime = await openGuests(context);
        Object.assign(runtime.guests, { processes: { available: true, notes } });
        return runtime;
      },
    });
    expect(engine.notes).toEqual(notes);
  });
});

describe('on a machine that cannot run processes', () => {
  test('notes the reason, rejects commands with it, and serves the rest', async () => {
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
