// `npm run build`: the Next.js build and the programs beside it, whether they are due or not.
import { ensureInstalled, rebuild, requireNode } from './lib/bootstrap.mjs';
import { handleStopSignals } from './lib/children.mjs';
import { runMain } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 130 });

await runMain(async () => {
  requireNode();
  await ensureInstalled();
  await rebuild();
});
