// `npm run bench -- NAME [args]`: runs a benchmark and prints JSON lines `{"bench","figure","value","unit"}`.
import fs from 'node:fs';
import { ensureBuilt, ensureInstalled, requireNode } from './lib/bootstrap.mjs';
import { bundle } from './lib/build.mjs';
import { handleStopSignals, startProcess, waitForEnd } from './lib/children.mjs';
import { findChromium } from './lib/chromium.mjs';
import { emptySettings } from './lib/own-settings.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { CommandError, runMain } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 130 });

/** @returns {Map<string, string>} name to file */
function listBenches() {
  const files = fs.existsSync(inRoot('bench')) ? fs.readdirSync(inRoot('bench')) : [];
  const benches = files.filter((file) => /^[^.]+\.(mjs|ts)$/.test(file)).sort();
  return new Map(benches.map((file) => [file.replace(/\.\w+$/, ''), file]));
}

/** @param {string | undefined} name @returns {string} */
function pickBench(name) {
  const benches = listBenches();
  const file = name === undefined ? undefined : benches.get(name);
  if (file) return file;
  const problem = name === undefined ? 'Name a benchmark.' : `There is no benchmark called ${name}.`;
  const list = [...benches.keys()].map((known) => `  npm run bench -- ${known}`).join('\n');
  throw new CommandError(list ? `${problem} Available:\n${list}` : `${problem} bench/ is empty.`);
}

await runMain(async () => {
  const [name, ...args] = process.argv.slice(2);
  const file = pickBench(name);
  requireNode();
  await ensureInstalled();
  await ensureBuilt();
  let program = `bench/${file}`;
  if (file.endsWith('.ts')) {
    program = `build/bench/${name}.mjs`;
    await bundle(`bench/${file}`, program);
  }
  const chromium = await findChromium();
  const child = startProcess(process.execPath, ['--enable-source-maps', inRoot(program), ...args], {
    cwd: root,
    env: { ...process.env, ...emptySettings(), ...(chromium && { CHROMIUM_PATH: chromium }) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = (await waitForEnd(child)).code ?? 1;
});
