import 'server-only';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { config } from '../config';
import type { ConnectionFields } from '../connection';
import { SandkeeperError } from '../errors';
import type { CapabilityFinding } from '../sandbox-api/capabilities';
import { statusOf } from '../sandbox-api/errors';
import { createSandboxApi, type SandboxApi } from '../sandbox-api/sandbox-api';
import { explainFailure, explainTls } from './explain-failure';

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
    const sentence = (await speaksTls(fields, error)) ? explainTls(fields) : explainFailure(error, fields);
    throw new SandkeeperError('invalid', sentence, { cause: error });
  } finally {
    clearTimeout(timer);
    await api.close();
  }
}

const TLS_WITHIN_MS = 3_000;

/** Whether an http address that closed the connection, or called the request a bad one, would have answered with TLS. */
async function speaksTls({ apiUrl }: ConnectionFields, error: SandkeeperError): Promise<boolean> {
  const { protocol, hostname, port } = new URL(apiUrl);
  const isSuspect = error.code === 'unavailable' || statusOf(error) === 400;
  if (protocol !== 'http:' || !isSuspect) return false;
  return await new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const servername = isIP(host) === 0 ? { servername: host } : {};
    // Only asks for the handshake. Nothing is sent, so the certificate need not be valid.
    const socket = connect({ host, port: Number(port || 80), ...servername, rejectUnauthorized: false });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(TLS_WITHIN_MS, () => end(false));
    socket.once('secureConnect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
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
