'use server';

import { z } from 'zod';
import { guardAction } from '../access/guard';
import { requireDiskSpace } from '../db/disk-reserve';
import { fleetWatcher } from '../fleet/watchers';
import { onConnection } from '../grants';
import { type Result, resultOf } from '../result';
import { MAX_TIMEOUT_MS } from '../sandbox/limits';
import { metadataFrom } from '../sandbox/metadata';
import { MAX_METADATA_KEYS } from '../sandbox/metadata-lines';
import { plainText } from '../sandbox/plain-text';
import { sandboxApi } from '../sandbox-api/configured';
import { ConnectionName, type SandboxKey } from '../sandbox-key';

const Input = z.strictObject({
  connection: ConnectionName,
  template: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/^[a-z0-9-_]{1,128}$/, 'Use only letters, digits, "-" and "_" in a template name.'),
  /** Pairs of key and value, because an object loses the key `__proto__` on its way. */
  metadata: z
    .array(z.tuple([plainText('A key', 256).min(1), plainText('A value', 4_096)]))
    .max(MAX_METADATA_KEYS, 'Use at most 64 keys.')
    .refine((pairs) => new Set(pairs.map(([key]) => key)).size === pairs.length, 'Use each key once.')
    .transform(metadataFrom),
  timeoutMs: z.int().min(15_000, 'Use at least 15 seconds.').max(MAX_TIMEOUT_MS),
  autoPause: z.boolean(),
});

/** Sandboxes on Sandkeeper's own disk take from its reserve. */
function requireRoom(connection: ConnectionName): void {
  if (sandboxApi(connection).capabilities.support('sharesDisk') === 'yes') requireDiskSpace();
}

/** Creates a sandbox and returns its key. Role: operator. */
export async function createOne(input: z.input<typeof Input>): Promise<Result<{ key: SandboxKey }>> {
  return resultOf(async () => {
    const [, { connection, ...request }] = await guardAction('operator', Input, input, onConnection);
    requireRoom(connection);
    const key = await sandboxApi(connection).createSandbox(request);
    // The sandbox exists even if this reading fails.
    const requestedAtMs = Date.now();
    await sandboxApi(connection)
      .getSandbox(key)
      .then(
        (sandbox) => fleetWatcher(connection).recordReading(sandbox, requestedAtMs),
        () => fleetWatcher(connection).refresh(),
      );
    return { key };
  });
}

/** Creates a demo fleet on a local engine. Role: admin. */
export async function createDemo(connection: ConnectionName): Promise<Result<{ created: number }>> {
  return resultOf(async () => {
    const [, name] = await guardAction('admin', ConnectionName, connection, (named) => named);
    requireRoom(name);
    const created = await sandboxApi(name).createDemoFleet();
    fleetWatcher(name).refresh();
    return created;
  });
}
