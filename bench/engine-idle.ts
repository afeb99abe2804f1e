/** Memory and CPU time of the local engine with 10,000 idle sandboxes. Option: --sandboxes N. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineProcess } from '../e2e/support/deployment';
import { Moru } from '../e2e/support/moru';
import { residentMB } from './support/memory';
import { report } from './support/report';

const { values: options } = parseArgs({ options: { sandboxes: { type: 'string', default: '10000' } } });
const SANDBOXES = Number(options.sandboxes);
const REST_MS = 3_000;

const tell = (figure: string, value: number, unit: string) => report('engine-idle', figure, value, unit);

async function timed(work: () => Promise<void>): Promise<number> {
  const beganAt = performance.now();
  await work();
  return (performance.now() - beganAt) / 1_000;
}

const dataDir = await mkdtemp(join(tmpdir(), 'sandkeeper-bench-'));
const engine = new EngineProcess(dataDir, SANDBOXES * 2);
try {
  await engine.start();
  const moru = new Moru(engine);
  const empty = residentMB(engine.pid);
  tell('rss_empty_mb', empty, 'MB');
  const created = await timed(() =>
    moru.createMany(SANDBOXES, (index) => ({
      environment: 'development',
      owner: 'ana',
      run: `run-${index}`,
    })),
  );
  tell('create_s', created, 's');
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const full = residentMB(engine.pid);
  tell('rss_mb', full, 'MB');
  tell('rss_vs_empty_ratio', full / empty, 'ratio');
  await engine.stop();
  tell('restart_s', await timed(() => engine.start()), 's');
  tell('rss_after_restart_mb', residentMB(engine.pid), 'MB');
} finally {
  await engine.stop();
  await rm(dataDir, { recursive: true, force: true });
}
