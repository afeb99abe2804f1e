import { z } from 'zod';
import type { Guest } from '../guests';
import { ENVD_PROGRAM } from '../jail/bubblewrap';
import type { ProcessReader } from '../jail/guest-process';
import type { Sandbox } from '../jail/sandbox';
import { SEARCH_PATH } from '../jail/search-path';
import { SafeFsError } from '../safe-fs/safe-fs-error';
import type { LiveEntry, LiveFiles, LivePlace, LiveReading } from './live-files';
import { idsInside } from './process-environment';

const MAX_PROBLEM_CHARS = 1_000;
const MAX_LISTING_BYTES = 16 * 1024 * 1024;
const LISTING_MS = 30_000;

const Inspected = z.union([
  z.object({
    entries: z.array(
      z.object({
        path: z.string(),
        mode: z.int(),
        size: z.number(),
        uid: z.int(),
        gid: z.int(),
        mtimeMs: z.number(),
        target: z.object({ path: z.string(), mode: z.int() }).nullable(),
      }),
    ),
  }),
  z.object({ error: z.string().regex(/^E[A-Z0-9]{1,20}$/) }),
]);

/** Reads through processes of the sandbox, which neither callers nor the log see. Their output is untrusted. */
export function insideFiles(sandboxOf: (guest: Guest) => Sandbox): LiveFiles {
  const run = async (
    { guest, root, user }: LivePlace,
    argv: readonly string[],
    deadlineMs: number | null,
  ) => {
    const [cmd = '', ...args] = argv;
    const env = { PATH: SEARCH_PATH, HOME: user.home };
    const spawn = { cmd, args, env, cwd: '/', stdin: false, pty: null, ids: idsInside(root, user) };
    const order = { spawn, config: { cmd, args, envs: {}, cwd: undefined }, tag: undefined, isHidden: true };
    return await sandboxOf(guest).start(root, order, deadlineMs);
  };
  const inspect = async (place: LivePlace, depth: number): Promise<LiveEntry[]> => {
    const argv = [...ENVD_PROGRAM, 'inspect', String(depth), place.path];
    const { reader } = await run(place, argv, Date.now() + LISTING_MS);
    const result = Inspected.parse(JSON.parse(await textOf(reader, place.path)));
    if ('error' in result) throw new SafeFsError(result.error, place.path);
    return result.entries;
  };
  return {
    async read(place) {
      const { process, reader } = await run(place, ['/bin/cat', '--', place.path], null);
      return readingOf(reader, () => process.signal(9));
    },
    async stat(place) {
      const [entry] = await inspect(place, 0);
      if (entry) return entry;
      throw new SafeFsError('ENOENT', place.path);
    },
    list: (place, depth) => inspect(place, depth),
  };
}

function readingOf(reader: ProcessReader, kill: () => void): LiveReading {
  let problem = '';
  let end: (result: { problem: string | null }) => void = () => {};
  const ended = new Promise<{ problem: string | null }>((resolve) => {
    end = resolve;
  });
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (let next = await reader.next(); next; next = await reader.next()) {
      if (next.kind === 'end') {
        end({ problem: next.status.exitCode === 0 ? null : problem || next.status.status });
        return;
      }
      if (next.output === 'stdout') yield next.bytes;
      else if (problem.length < MAX_PROBLEM_CHARS) problem += next.bytes.toString('utf8');
    }
    end({ problem: 'the sandbox has stopped' });
  }
  const stop = () => {
    kill();
    reader.close();
  };
  return { chunks: chunks(), ended, stop };
}

/** @throws SafeFsError */
async function textOf(reader: ProcessReader, path: string): Promise<string> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for (let next = await reader.next(); next; next = await reader.next()) {
      if (next.kind === 'end') {
        if (next.status.exitCode === 0) return Buffer.concat(parts).toString('utf8');
        break;
      }
      if (next.output !== 'stdout') continue;
      parts.push(next.bytes);
      sizeBytes += next.bytes.length;
      if (sizeBytes > MAX_LISTING_BYTES) throw new SafeFsError('E2BIG', path);
    }
  } finally {
    reader.close();
  }
  throw new SafeFsError('EIO', path);
}
