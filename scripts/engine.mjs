// `npm run engine -- [options]`: the local engine alone, in the foreground.
import { ensureBundled, ensureInstalled, requireNode } from './lib/bootstrap.mjs';
import { onStopRequest, startProcess, stopEverything, stopProcess, waitForEnd } from './lib/children.mjs';
import { loadEnvFile } from './lib/env-file.mjs';
import { inRoot } from './lib/paths.mjs';
import { runMain } from './lib/terminal.mjs';

/** @type {import('node:child_process').ChildProcess | undefined} */
let engine;

onStopRequest(async () => {
  if (engine) await stopProcess(engine);
  await stopEverything();
  process.exit(0);
});

await runMain(async () => {
  requireNode();
  loadEnvFile(inRoot('.env'));
  await ensureInstalled();
  await ensureBundled({ engineOnly: true });
  const args = ['--enable-source-maps', inRoot('build/engine.mjs'), ...process.argv.slice(2)];
  engine = startProcess(process.execPath, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const { code } = await waitForEnd(engine);
  process.exitCode = code ?? 1;
});
