// @ts-check
import { ensureBundled, ensureInstalled, isBuilt, requireNode } from './bootstrap.mjs';
import { handleStopSignals, startProcess, waitForEnd } from './children.mjs';
import { loadEnvFile } from './env-file.mjs';
import { inRoot, root } from './paths.mjs';
import { runMain } from './terminal.mjs';

/**
 * Runs one of our programs in the foreground, with the settings of a server, which may run beside it. Ends with its exit code.
 * @param {string} file relative to the root
 * @param {string[]} [args]
 */
export async function runProgram(file, args = []) {
  handleStopSignals({ exitCode: 1 });
  await runMain(async () => {
    requireNode();
    process.chdir(root);
    loadEnvFile(inRoot('.env'));
    await ensureInstalled();
    // A running server needs no build of another version beside it.
    if (!isBuilt()) await ensureBundled();
    const program = startProcess(process.execPath, [inRoot(file), ...args], { stdio: 'inherit' });
    const { code } = await waitForEnd(program);
    process.exitCode = code ?? 1;
  });
}
