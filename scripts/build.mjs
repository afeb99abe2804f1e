// `npm run build`: always builds the Next.js app and the programs beside it.
import { ensureInstalled, rebuild, requireNode } from './lib/bootstrap.mjs';
import { handleStopSignals } from './lib/children.mjs';
import { runMain } from './lib/terminal.mjs';

handleStopSignals({ exitCode: 130 });

await runMain(async () => {
  requireNode();
  await ensureInstalled();
  await rebuild();
});
