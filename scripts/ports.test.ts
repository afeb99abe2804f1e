import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { choosePort, findFreePort, probePort } from './lib/ports.mjs';

const host = '127.0.0.1';
const open: net.Server[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done)))));

/** Listens on a port; 0 means any. */
async function occupy(port = 0): Promise<number> {
  const server = net.createServer();
  open.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return (server.address() as net.AddressInfo).port;
}

describe('probePort', () => {
  it('distinguishes a taken port from a free one and does not occupy it', async () => {
    const taken = await occupy();
    expect(await probePort(taken, host)).toBe('taken');
    const free = (await findFreePort(21_000, host)) as number;
    expect(await probePort(free, host)).toBe('free');
    expect(await occupy(free)).toBe(free);
  });

  it('detects an address of another machine', async () => {
    expect(await probePort(3000, '192.0.2.1')).toBe('no-address');
  });
});

describe('choosePort', () => {
  const request = { variable: 'PORT', host, isExplicit: false };

  it('chooses the requested port without a note if it is free', async () => {
    const free = (await findFreePort(20_000, host)) as number;
    expect(await choosePort({ ...request, port: free })).toEqual({ port: free });
  });

  it('chooses the next free port instead of a taken default and adds a note', async () => {
    const taken = await occupy();
    const choice = await choosePort({ ...request, port: taken });
    expect(choice.port).toBeGreaterThan(taken);
    expect(choice.note).toContain(`Port ${taken} is already in use`);
    expect(choice.note).toContain(String(choice.port));
  });

  it('avoids reserved ports', async () => {
    const taken = await occupy();
    const first = await choosePort({ ...request, port: taken });
    const second = await choosePort({ ...request, port: taken, avoid: [first.port] });
    expect(second.port).toBeGreaterThan(first.port);
  });

  it('rejects an explicit port that is taken, naming it and a free one', async () => {
    const taken = await occupy();
    await expect(choosePort({ ...request, port: taken, isExplicit: true })).rejects.toThrow(
      new RegExp(`Port ${taken} \\(PORT\\) is already in use.* PORT=\\d+`),
    );
  });

  it('rejects a host of another machine by name', async () => {
    await expect(choosePort({ ...request, port: 3000, host: '192.0.2.1' })).rejects.toThrow(
      'HOST is 192.0.2.1',
    );
  });
});
