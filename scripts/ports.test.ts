import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { choosePort, findFreePort, probePort } from './lib/ports.mjs';

const host = '127.0.0.1';
const open: net.Server[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done)))));

/** Listens for real; 0 stands for any port. */
async function occupy(port = 0): Promise<number> {
  const server = net.createServer();
  open.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return (server.address() as net.AddressInfo).port;
}

describe('probePort', () => {
  it('tells a taken port from a free one, and leaves the free one free', async () => {
    const taken = await occupy();
    expect(await probePort(taken, host)).toBe('taken');
    const free = (await findFreePort(21_000, host)) as number;
    expect(await probePort(free, host)).toBe('free');
    expect(await occupy(free)).toBe(free);
  });

  it('knows an address that is not this machine’s', async () => {
    expect(await probePort(3000, '192.0.2.1')).toBe('no-address');
  });
});

describe('choosePort', () => {
  const wish = { variable: 'PORT', host, isExplicit: false };

  it('takes the wanted port when it is free, silently', async () => {
    const free = (await findFreePort(20_000, host)) as number;
    expect(await choosePort({ ...wish, port: free })).toEqual({ port: free });
  });

  it('takes the next free one instead of a taken default, and says so', async () => {
    const taken = await occupy();
    const choice = await choosePort({ ...wish, port: taken });
    expect(choice.port).toBeGreaterThan(taken);
    expect(choice.note).toContain(`Port ${taken} is already in use`);
    expect(choice.note).toContain(String(choice.port));
  });

  it('leaves a port alone that is about to be taken', async () => {
    const taken = await occupy();
    const first = await choosePort({ ...wish, port: taken });
    const second = await choosePort({ ...wish, port: taken, avoid: [first.port] });
    expect(second.port).toBeGreaterThan(first.port);
  });

  it('refuses a taken port that somebody asked for, naming it and a free one', async () => {
    const taken = await occupy();
    await expect(choosePort({ ...wish, port: taken, isExplicit: true })).rejects.toThrow(
      new RegExp(`Port ${taken} \\(PORT\\) is already in use.* PORT=\\d+`),
    );
  });

  it('names a host that this machine does not have', async () => {
    await expect(choosePort({ ...wish, port: 3000, host: '192.0.2.1' })).rejects.toThrow('HOST is 192.0.2.1');
  });
});
