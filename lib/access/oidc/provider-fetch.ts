import 'server-only';
import type { CustomFetch } from 'openid-client';
import { SandkeeperError } from '../../errors';
import { outsideRequests } from '../../request-context';

const MAX_ANSWER_BYTES = 1024 * 1024;
/** Statuses whose responses have no body. */
const EMPTY_STATUSES: ReadonlySet<number> = new Set([101, 204, 205, 304]);

type Options = { title: string; timeoutMs: number };

/**
 * `fetch` for calls to a provider: the whole answer arrives within the time and within 1 MB, or the call fails. Throws
 * `timeout` or `unavailable`, without addresses or the answer.
 */
export function providerFetch({ title, timeoutMs }: Options): CustomFetch {
  return async (url, { body: sent, ...init }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await outsideRequests(() =>
        fetch(url, { ...init, body: sent as BodyInit, redirect: 'manual', signal }),
      );
      const body = await readBody(response, title);
      const { status, statusText, headers } = response;
      return new Response(EMPTY_STATUSES.has(status) ? null : body, { status, statusText, headers });
    } catch (cause) {
      if (cause instanceof SandkeeperError) throw cause;
      if (signal.aborted) {
        const seconds = Math.max(1, Math.round(timeoutMs / 1_000));
        throw new SandkeeperError('timeout', `${title} did not answer within ${seconds} s.`, { cause });
      }
      throw new SandkeeperError('unavailable', `${title} cannot be reached.`, { cause });
    }
  };
}

async function readBody(response: Response, title: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size > MAX_ANSWER_BYTES)
      throw new SandkeeperError('unavailable', `${title} sent an answer of more than 1 MB.`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
