// `npm run audit -- verify`: checks that nobody has changed the audit log. Works beside a running server.
import { ensureBundled, ensureInstalled, requireNode } from './lib/bootstrap.mjs';
import { handleStopSignals, startProcess, waitForEnd } from './lib/children.mjs';
import { loadEnvFile } from './lib/env-file.mjs';
import { inRoot } from './lib/paths.mjs';
import { runMain } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 130 });

await runMain(async () => {
  requireNode();
  loadEnvFile(inRoot('.env'));
  await ensureInstalled();
  await ensureBundled();
  const child = startProcess(process.execPath, [inRoot('build/audit.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: process.env,
  });
  const { code } = await waitForEnd(child);
  process.exitCode = code ?? 1;
});
