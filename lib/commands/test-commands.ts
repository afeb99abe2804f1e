import { afterAll, beforeAll, beforeEach, onTestFinished, vi } from 'vitest';
import type { FaultInput } from '../engine/faults';
import { canRun, type ProcessEngine, startProcessEngine } from '../engine/jail/test-process-engine';
import { fleetWatcher } from '../fleet/watchers';
import { findOperation, listItems } from '../operations/record/store';
import type { ActParams, Operation, OperationItem } from '../operations/schema';
import { recordNew, waitingItem } from '../operations/test-operations';
import { OperationRunner } from '../operations/work/runner';
import { apiOf } from '../sandbox-api/configured';
import { idOf, type SandboxKey } from '../sandbox-key';
import { eventually, localKey, setUpDataDir } from '../test-support/environment';
import { type CommandRecord, outputAsText } from './schema';
import { findCommand } from './store';

type Told = { operation: Operation; item: (sandboxKey: SandboxKey) => Promise<OperationItem | undefined> };

export const texts = (run: CommandRecord | null) =>
  run && [outputAsText(run.stdout), outputAsText(run.stderr)];

/** Sets up an engine that runs processes, and runners of commands. */
export function setUpCommands() {
  setUpDataDir();

  let processEngine: ProcessEngine;
  beforeAll(async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    if (!canRun) return;
    processEngine = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = processEngine.url;
    process.env.SANDKEEPER_ENGINE_KEY = processEngine.apiKey;
  });
  beforeEach(
    () => void onTestFinished(async () => void (await processEngine?.api('DELETE', '/engine/faults'))),
  );

  const engine = {
    create: async () => {
      const { json } = await processEngine.api('POST', '/sandboxes', { templateID: 'base', timeout: 300 });
      return localKey((json as { sandboxID: string }).sandboxID);
    },
    detail: async (sandboxKey: SandboxKey) =>
      (await processEngine.api('GET', `/sandboxes/${idOf(sandboxKey)}`)).json as {
        state: string;
        endAt: string;
      },
    pause: (sandboxKey: SandboxKey) => processEngine.api('POST', `/sandboxes/${idOf(sandboxKey)}/pause`),
    resume: (sandboxKey: SandboxKey) =>
      processEngine.api('POST', `/sandboxes/${idOf(sandboxKey)}/resume`, { timeout: 300 }),
    kill: (sandboxKey: SandboxKey) => processEngine.api('DELETE', `/sandboxes/${idOf(sandboxKey)}`),
  };
  afterAll(() => fleetWatcher('local').close());

  let opened = 0;

  /** A runner, as in a separate process. */
  function openRunner(owner?: string): OperationRunner {
    opened += 1;
    const runner = new OperationRunner({
      owner: owner ?? `process-${opened}`,
      maxConcurrency: 16,
      protectedKey: 'protected',
      keepMs: null,
      isShared: true,
      leaseMs: 6_000,
      syncMs: 200,
    });
    onTestFinished(() => runner.close());
    return runner;
  }

  /** Starts a command in sandboxes and returns its operation at once. */
  async function begin(
    sandboxKeys: SandboxKey[],
    params: ActParams,
    runner = openRunner(),
    provoke = async () => {},
  ): Promise<Told> {
    const sandboxes = await Promise.all(
      sandboxKeys.map((sandboxKey) => apiOf(sandboxKey).getSandbox(sandboxKey)),
    );
    await provoke();
    const operation = await recordNew(sandboxes, { act: 'run', params: { limitMs: 60_000, ...params } });
    runner.start(operation, sandboxKeys.map(waitingItem));
    const item = async (sandboxKey: SandboxKey) =>
      (await listItems(operation.id)).find((each) => each.sandboxKey === sandboxKey);
    return { operation, item };
  }

  async function finished({ operation }: Told): Promise<void> {
    await eventually(async () => (await findOperation(operation.id))?.state === 'finished', 40_000);
  }

  /** Runs a command in a new sandbox to its end. */
  async function run(command: string, params: ActParams = {}) {
    const sandboxKey = await engine.create();
    const begun = await begin([sandboxKey], { command, ...params });
    await finished(begun);
    const item = await begun.item(sandboxKey);
    return {
      sandboxKey,
      item,
      run: await findCommand({ operationId: begun.operation.id, sandboxKey }),
      begun,
    };
  }

  /** Runs a script in a sandbox, apart from the commands under test. */
  async function inside(sandboxKey: SandboxKey, script: string): Promise<void> {
    const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
    const command = { cmd: '/bin/sh', args: ['-c', script] };
    for await (const _ of envd.run(command, 10_000, AbortSignal.timeout(120_000)));
  }

  /** How often the command has run: it appends lines to `/tmp/count`. */
  async function countIn(sandboxKey: SandboxKey): Promise<number> {
    const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
    let text = '';
    const command = { cmd: '/bin/sh', args: ['-c', 'cat /tmp/count 2>/dev/null || true'] };
    for await (const event of envd.run(command, 10_000, AbortSignal.timeout(120_000)))
      if (event.kind === 'stdout') text += event.bytes.toString();
    return text.split('\n').filter(Boolean).length;
  }

  async function fault(input: FaultInput): Promise<void> {
    const { status } = await processEngine.api('POST', '/engine/faults', input);
    if (status !== 201) throw new Error(`Could not add the fault: ${status}`);
  }

  return { engine, openRunner, begin, finished, run, inside, countIn, fault };
}
