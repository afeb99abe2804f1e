// `npm run engine -- [options]`: the local engine alone, in the foreground.
import { ensureBundled, ensureInstalled, requireNode } from './lib/bootstrap.mjs';
import { obeyStopRequests, startProcess, waitForEnd } from './lib/children.mjs';
import { loadEnvFile } from './lib/env-file.mjs';
import { inRoot } from './lib/paths.mjs';
import { runMain } from './lib/terminal.mjs';

obeyStopRequests({ exitCode: 0 });

await runMain(async () => {
  requireNode();
  loadEnvFile(inRoot('.env'));
  await ensureInstalled();
  await ensureBundled({ engineOnly: true });
  const args = ['--enable-source-maps', inRoot('build/engine.mjs'), ...process.argv.slice(2)];
  const engine = startProcess(process.execPath, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    isService: true,
  });
  const { code } = await waitForEnd(engine);
  process.exitCode = code ?? 1;
});
