import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';

const postgres = new URL('./lib/postgres.mjs', import.meta.url).href;
const children = new URL('./lib/children.mjs', import.meta.url).href;
const isInstalled = existsSync('/usr/lib/postgresql');

/** Starts a command that provides PostgreSQL and returns the address. */
async function startCommand() {
  const program = `
    import { providePostgres } from ${JSON.stringify(postgres)};
    import { handleStopSignals } from ${JSON.stringify(children)};
    handleStopSignals({ exitCode: 130 });
    process.send(await providePostgres());
    setInterval(() => {}, 1000);`;
  const command = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  onTestFinished(() => void command.kill('SIGKILL'));
  const [url] = (await once(command, 'message')) as [string];
  return { command, url, folder: new URL(url).searchParams.get('host') ?? '' };
}

describe.runIf(isInstalled)('providePostgres', () => {
  it('listens only on a socket and is removed when the command ends', async () => {
    const { command, url, folder } = await startCommand();
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query("select 1 as one, current_setting('listen_addresses') as addresses");
    expect(rows).toEqual([{ one: 1, addresses: '' }]);
    expect(existsSync(folder)).toBe(true);

    const ended = once(command, 'exit');
    command.kill('SIGTERM');
    expect(await ended).toEqual([130, null]);
    expect(existsSync(folder)).toBe(false);
    await expect(new pg.Client({ connectionString: url }).connect()).rejects.toThrow(/ENOENT/);
  });
});
