// `npm run sign-in-link`: prints another sign-in link, beside a running server or before its start.
import { ensureBundled, ensureInstalled, isBuilt, requireNode } from './lib/bootstrap.mjs';
import { handleStopSignals, startProcess, waitForEnd } from './lib/children.mjs';
import { loadEnvFile } from './lib/env-file.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { runMain } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 1 });

await runMain(async () => {
  requireNode();
  process.chdir(root);
  loadEnvFile(inRoot('.env'));
  await ensureInstalled();
  // A running server needs no build of another version beside it.
  if (!isBuilt()) await ensureBundled();
  const command = startProcess(process.execPath, [inRoot('build/sign-in-link.mjs')], { stdio: 'inherit' });
  const { code } = await waitForEnd(command);
  process.exitCode = code ?? 1;
});
