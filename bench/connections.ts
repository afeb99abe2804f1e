/**
 * One kill of 600 sandboxes over three connections against a kill of 200 in the slowest of them alone: from the confirmation
 * until every sandbox is verified gone. The services answer after 50, 150 and 400 ms. Each connection has its own limits, so the
 * time of all is that of the slowest; what the ratio exceeds one by is the price of the others.
 * Options: --sandboxes N (per connection), --rounds N, --verbose.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineProcess, Sandkeeper } from '../e2e/support/deployment';
import { Moru } from '../e2e/support/moru';
import { keyOf, type SandboxKey } from '../lib/sandbox-key';
import { removeTree } from '../lib/test-support/remove-tree';
import { percentile } from './support/keystrokes';
import { report } from './support/report';
import { timedKill } from './support/timed-kill';

const { values: options } = parseArgs({
  options: {
    sandboxes: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '5' },
    verbose: { type: 'boolean', default: false },
  },
});
const SANDBOXES = Number(options.sandboxes);
const ROUNDS = Number(options.rounds);
const LATENCIES = { local: 50, eu: 150, us: 400 } as const;
const SLOW_ROUTES = ['DELETE /sandboxes/*', 'GET /sandboxes/*', 'GET /v2/sandboxes'];
type Name = keyof typeof LATENCIES;
const NAMES: readonly Name[] = ['local', 'eu', 'us'];

const tell = (figure: string, value: number, unit: string) => report('connections', figure, value, unit);
const note = (text: string) => options.verbose && console.error(text);

const dataDir = await mkdtemp(join(tmpdir(), 'sandkeeper-bench-'));
const further = {
  eu: new EngineProcess(join(dataDir, 'eu'), SANDBOXES * 2),
  us: new EngineProcess(join(dataDir, 'us'), SANDBOXES * 2),
};
await Promise.all([further.eu.start(), further.us.start()]);
const declared = join(dataDir, 'connections.json');
await writeFile(
  declared,
  JSON.stringify({
    connections: Object.entries(further).map(([name, { url, apiKey }]) => ({
      name,
      kind: 'moru',
      apiUrl: url,
      key: apiKey,
    })),
  }),
);
const sandkeeper = await Sandkeeper.open({
  maxRunning: SANDBOXES * 2,
  env: {
    SANDKEEPER_CANCEL_WINDOW_SECONDS: '0',
    SANDKEEPER_BULK_LIMIT: String(SANDBOXES * NAMES.length),
    SANDKEEPER_CONNECTIONS: declared,
    SANDKEEPER_LOCAL_ENGINE: 'on',
  },
});
const services: Record<Name, Moru> = {
  local: new Moru(sandkeeper.engine),
  eu: new Moru(further.eu),
  us: new Moru(further.us),
};

/** Creates a fleet in each of these connections, then makes them slow. */
async function makeFleets(names: readonly Name[]): Promise<SandboxKey[]> {
  const keys: SandboxKey[] = [];
  for (const name of names) {
    const service = services[name];
    await service.clearFaults();
    await service.createMany(SANDBOXES, (index) => ({ run: `run-${index}` }));
    keys.push(...(await service.listIds()).map((id) => keyOf(name, id)));
    for (const route of SLOW_ROUTES) await service.addFault({ route, latencyMs: LATENCIES[name] });
  }
  return keys;
}

/** The time from the confirmation until the operation is finished, as reported to a browser. */
async function measure(session: string, names: readonly Name[]): Promise<number> {
  const keys = await makeFleets(names);
  const tookMs = await timedKill(sandkeeper, session, keys);
  for (const name of names) {
    await services[name].clearFaults();
    if ((await services[name].listIds()).length > 0) throw new Error(`Sandboxes of ${name} were left.`);
  }
  return tookMs;
}

try {
  const { admin } = await sandkeeper.openSessions();
  const [all, slowest]: [number[], number[]] = [[], []];
  // The first round is a warm-up. Then alternate, so that other load affects both alike.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [allMs, slowestMs] = [await measure(admin, NAMES), await measure(admin, ['us'])];
    note(`All: ${allMs.toFixed()} ms; the slowest alone: ${slowestMs.toFixed()} ms`);
    if (round === 0) continue;
    all.push(allMs);
    slowest.push(slowestMs);
  }
  tell('all_ms', percentile(all, 0.5), 'ms');
  tell('slowest_alone_ms', percentile(slowest, 0.5), 'ms');
  tell('ratio_to_slowest', percentile(all, 0.5) / percentile(slowest, 0.5), 'ratio');
} finally {
  await sandkeeper.close();
  await Promise.all([further.eu.stop(), further.us.stop()]);
  await removeTree(dataDir);
}
