import { createCrashGuard } from './crash-guard';
import { StartError } from './data-dir';
import { apiKeyFor } from './dialect';
import { type Engine, type EngineOptions, startEngine } from './engine';
import { openGuests } from './guest-runtime';
import { OptionError, readOptions, USAGE } from './options';

/**
 * The command. On its own it prints its address and API key. Started with an IPC channel, it reports
 * `{type: 'ready', url, port, apiKey, dataDir, notes}` or `{type: 'failed', message}` and ends with its parent.
 */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const { hostNetwork, diskQuotaMB } = options;
  await run({ ...options, openGuests: (context) => openGuests(context, { hostNetwork, diskQuotaMB }) });
}

async function run(options: EngineOptions): Promise<void> {
  // A signal during the start must still release the lock.
  let engine: Engine | undefined;
  let isStopping = false;
  const stop = async (exitCode = 0) => {
    isStopping = true;
    if (engine === undefined) return;
    await engine.close().catch(warn);
    process.exit(exitCode);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop());
  if (process.send !== undefined) process.on('disconnect', () => void stop());

  // The parent may end first, with its end of the pipes.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  engine = await startEngine({ ...options, warn });
  if (isStopping) await stop();
  process.on('uncaughtException', createCrashGuard({ warn, giveUp: () => void stop(1) }));
  const { url, port, apiKey, dataDir, notes } = engine;
  // With a callback, because a parent that has ended would otherwise become an error of this process.
  process.send?.({ type: 'ready', url, port, apiKey, dataDir, notes }, () => {});
  // A parent that pipes the output announces the engine itself.
  if (process.send === undefined || process.stdout.isTTY) process.stdout.write(describe(engine));
}

function warn(problem: unknown): void {
  console.error(`[engine] ${problem instanceof Error ? problem.stack : problem}`);
}

function describe({ url, apiKey, dataDir, notes }: Engine): string {
  return `
  Local engine on ${url}, data in ${dataDir}
${notes.map((note) => `  Note: ${note}\n`).join('')}
  export MORU_API_URL=${url}
  export MORU_SANDBOX_URL=${url}
  export MORU_API_KEY=${apiKeyFor('moru', apiKey)}

  For clients of E2B:
  export E2B_API_URL=${url}
  export E2B_SANDBOX_URL=${url}
  export E2B_API_KEY=${apiKeyFor('e2b', apiKey)}

`;
}

try {
  await main();
} catch (error) {
  const isExpected = error instanceof OptionError || error instanceof StartError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${isExpected || !(error instanceof Error) ? message : error.stack}\n`);
  process.exitCode = 1;
  if (process.send !== undefined) process.send({ type: 'failed', message }, () => process.disconnect());
}
