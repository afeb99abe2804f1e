// `npm run engine -- [options]`: the local engine alone, in the foreground.
import { provideBubblewrap } from './lib/apt.mjs';
import { ensureBundled, ensureInstalled, requireNode } from './lib/bootstrap.mjs';
import { describeExports, handleStopSignals, startProcess, waitForEnd } from './lib/children.mjs';
import { engineEnvironment } from './lib/engine-environment.mjs';
import { loadEnvFile } from './lib/env-file.mjs';
import { inRoot } from './lib/paths.mjs';
import { runMain, say } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 0 });

await runMain(async () => {
  requireNode();
  loadEnvFile(inRoot('.env'));
  await ensureInstalled();
  await ensureBundled({ engineOnly: true });
  await provideBubblewrap();
  const args = ['--enable-source-maps', inRoot('build/engine.mjs'), ...process.argv.slice(2)];
  const engine = startProcess(process.execPath, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: engineEnvironment(process.env),
    isService: true,
  });
  engine.on('message', (/** @type {any} */ message) => {
    // On a terminal the engine announces itself.
    if (message?.type !== 'ready' || process.stdout.isTTY) return;
    say(`Local engine on ${message.url}, data in ${message.dataDir}`);
    for (const note of message.notes) say(`Note: ${note}`);
    say(describeExports(message));
  });
  const { code } = await waitForEnd(engine);
  process.exitCode = code ?? 1;
});
