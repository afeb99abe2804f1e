import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fileSignature } from '../ids';
import { ACCESS_TOKEN, formOf, startTestEnvd } from './test-envd';

const query = (parameters: Record<string, string>) => `/files?${new URLSearchParams(parameters)}`;

describe('access', () => {
  const expired = String(Math.floor(Date.now() / 1000) - 10);
  const later = String(Math.floor(Date.now() / 1000) + 100);

  it('computes the published example of a signature', () => {
    const file = { path: 'hello.txt', operation: 'read' as const, username: 'user' };
    expect(fileSignature(file, ACCESS_TOKEN)).toBe('v1_gUtH/s9YCJWgCizjfUxuWfhFE4QSydOWEIIvfLwDr6E');
  });

  it('accepts the token or a signature, and names what is wrong', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('home/user/hello.txt'), 'hello');
    const file = { path: 'hello.txt', username: 'user' };
    const sign = (operation: 'read' | 'write', expiration?: string) =>
      fileSignature({ ...file, operation, ...(expiration ? { expiration } : {}) }, ACCESS_TOKEN);
    const get = (parameters: Record<string, string>, token: string | null = null) =>
      envd.request('GET', query({ ...file, ...parameters }), { token });
    const rejected = (message: string) => ({ status: 401, json: { code: 401, message } });

    expect((await get({}, ACCESS_TOKEN)).status).toBe(200);
    expect((await get({ signature: sign('read') })).body.toString()).toBe('hello');
    expect((await get({ signature: sign('read', later), signature_expiration: later })).status).toBe(200);
    expect(await get({}, 'wrong')).toMatchObject(
      rejected('access token present in header but does not match'),
    );
    expect(await get({})).toMatchObject(rejected('missing signature query parameter'));
    expect(await get({ signature: sign('write') })).toMatchObject(rejected('invalid signature'));
    expect(await get({ signature: sign('read'), signature_expiration: later })).toMatchObject(
      rejected('invalid signature'),
    );
    const late = await get({ signature: sign('read', expired), signature_expiration: expired });
    expect(late.json).toEqual({ code: 401, message: 'signature is already expired' });
    const written = await envd.request('POST', query({ ...file, signature: sign('write') }), {
      token: null,
      ...formOf([['name="file"; filename="x"', 'new']]),
    });
    expect(written.status).toBe(200);
  });

  it('accepts the signed URLs of the SDK', async () => {
    const envd = await startTestEnvd();
    const sandbox = envd.sandbox();
    await sandbox.files.write('hello.txt', 'hello');
    const url = await sandbox.downloadUrl('hello.txt', { useSignatureExpiration: 100 });
    expect(await (await fetch(url)).text()).toBe('hello');
    const late = await fetch(await sandbox.downloadUrl('hello.txt', { useSignatureExpiration: -100 }));
    expect(await late.json()).toEqual({ code: 401, message: 'signature is already expired' });
    const form = new FormData();
    form.append('file', new Blob(['sent']), 'x');
    const sent = await fetch(await sandbox.uploadUrl('up.txt'), { method: 'POST', body: form });
    expect(sent.status).toBe(200);
    expect(await sandbox.files.read('up.txt')).toBe('sent');
  });

  it('requires the token for everything but /health', async () => {
    const envd = await startTestEnvd();
    const statusOf = async (method: string, path: string, token: string | null = null) =>
      (await envd.request(method, path, { token })).status;
    expect(await statusOf('GET', '/health')).toBe(204);
    for (const path of ['/metrics', '/envs', '/nothing']) expect(await statusOf('GET', path)).toBe(401);
    expect(await statusOf('POST', '/filesystem.Filesystem/Stat')).toBe(401);
    expect(await statusOf('GET', '/envs', 'wrong')).toBe(401);
    expect(await statusOf('POST', '/init', ACCESS_TOKEN)).toBe(403);
    expect(await statusOf('GET', '/nothing', ACCESS_TOKEN)).toBe(404);
  });

  it('allows any origin for a secure sandbox, and only local ones otherwise', async () => {
    const preflight = { origin: 'https://example.com', 'access-control-request-headers': 'x-access-token' };
    const secure = await startTestEnvd();
    const allowed = await secure.request('OPTIONS', '/files', { headers: preflight, token: null });
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'x-access-token',
    });
    const open = await startTestEnvd({}, { secure: false });
    const from = (origin: string) => open.request('GET', '/envs', { headers: { origin }, token: null });
    expect((await from('https://example.com')).status).toBe(403);
    expect((await from('null')).status).toBe(403);
    expect((await from('http://localhost:3000')).headers['access-control-allow-origin']).toBe(
      'http://localhost:3000',
    );
    expect((await open.request('GET', '/envs', { token: null })).json).toMatchObject({ GREETING: 'hello' });
  });
});

it('reports its usage', async () => {
  const envd = await startTestEnvd({
    usage: () => ({ cpuUsedPct: 12.5, memUsedBytes: 3 * 1024 * 1024, diskUsedBytes: 7 }),
  });
  expect((await envd.request('GET', '/metrics')).json).toMatchObject({
    cpu_count: 2,
    cpu_used_pct: 12.5,
    mem_total_mib: 512,
    mem_used_mib: 3,
    disk_used: 7,
    disk_total: 10_240 * 1024 * 1024,
  });
});

it('answers 502 on other ports', async () => {
  const envd = await startTestEnvd();
  const response = await envd.request('GET', '/', { headers: { 'moru-sandbox-port': '3000' } });
  const message = 'The sandbox is running but port is not open';
  expect(response).toMatchObject({
    status: 502,
    json: { sandboxId: envd.guest.id, message, port: 3000, code: 502 },
  });
});
