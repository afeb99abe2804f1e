import 'server-only';
import { config } from '../config';
import type { ConnectionFields } from '../connection';
import { SandkeeperError } from '../errors';
import type { CapabilityFinding } from '../sandbox-api/capabilities';
import { createSandboxApi, type SandboxApi } from '../sandbox-api/sandbox-api';
import { explainFailure } from './explain-failure';

/** What a test of a connection found. */
export type ConnectionTest = {
  /** How long the first answer took. */
  answerMs: number;
  sandboxes: number;
  /** Whether the list has more than were counted. */
  hasMore: boolean;
  /** How far the service's clock is ahead of ours, ms. */
  aheadMs: number;
  findings: CapabilityFinding[];
};

/** The person waits for the whole test. */
const LIMITS = { callMs: 10_000, testMs: 25_000, pages: 20 };

/**
 * Tries a connection out, without changing anything: counts the sandboxes of its account and probes what the service offers.
 * @throws SandkeeperError `invalid`, with a sentence that says what is wrong and what would be right
 */
export async function testConnection(
  fields: ConnectionFields,
  key: string,
  limits = LIMITS,
): Promise<ConnectionTest> {
  const { sandboxUrl, teamId, ...connection } = fields;
  const api = createSandboxApi(
    { ...connection, key, sandboxUrl: sandboxUrl ?? undefined, teamId: teamId ?? undefined },
    { callMs: Math.min(config().timing.callMs, limits.callMs) },
  );
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void api.close();
  }, limits.testMs);
  try {
    return await examine(api, limits.pages);
  } catch (thrown) {
    const error = isLate
      ? new SandkeeperError('timeout', 'The test took too long.', { cause: thrown })
      : SandkeeperError.from(thrown);
    throw new SandkeeperError('invalid', explainFailure(error, fields), { cause: error });
  } finally {
    clearTimeout(timer);
    await api.close();
  }
}

async function examine(api: SandboxApi, maxPages: number): Promise<ConnectionTest> {
  const beganAtMs = Date.now();
  let page = await api.listSandboxes(null);
  const answerMs = Date.now() - beganAtMs;
  let sandboxes = page.sandboxes.length + page.unreadable;
  for (let pages = 1; page.nextCursor !== null && pages < maxPages; pages += 1) {
    page = await api.listSandboxes(page.nextCursor);
    sandboxes += page.sandboxes.length + page.unreadable;
  }
  await api.probe();
  const { findings } = api.describeCapabilities();
  return { answerMs, sandboxes, hasMore: page.nextCursor !== null, aheadMs: api.clock.aheadMs, findings };
}
