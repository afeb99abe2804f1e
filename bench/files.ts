/**
 * Files through Sandkeeper: throughput of a download and an archive beside direct access to the sandbox, time to the first
 * rows of a large folder, and the memory growth of the server. Options: --rounds N, --verbose.
 */
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { parseArgs } from 'node:util';
import type { Sandbox } from '@moru-ai/core';
import { Sandkeeper } from '../e2e/support/deployment';
import { cookieOf } from '../e2e/support/http';
import { Moru } from '../e2e/support/moru';
import { cookiesOf, measureFirstRows, openBrowser } from './support/browser';
import { percentile } from './support/keystrokes';
import { growthMB } from './support/memory';
import { report } from './support/report';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, verbose: { type: 'boolean', default: false } },
});
const ROUNDS = Number(options.rounds);
const VISITS = 3;
const MB = 2 ** 20;
const LARGE_BYTES = 2 ** 31;
const TEXT_BYTES = 2 ** 30;
/** At least the size that a page requests at a time. */
const RANGE_BYTES = MB;
const FEW_FILES = 10_000;
const MANY_FILES = 100_000;
const LISTED = 50_000;
const SLOW_BYTES_PER_S = MB;
const SLOW_FOR_MS = 8_000;
const ENVD_PORT = '49983';
const HOME = '/home/user';

/** Sparse files need neither disk nor time. The small files are text, as an agent writes them. */
const FIXTURES = [
  `truncate -s ${LARGE_BYTES} large`,
  `mkdir few many listed`,
  `seq 1000000 9000000 | head -c ${FEW_FILES * 2_048} | split -b 2048 -a 5 -d - few/file-`,
  `seq ${MANY_FILES} | split -l 1 -a 5 -d - many/file-`,
  `seq ${LISTED} | split -l 1 -a 5 -d - listed/file-`,
];

const tell = (figure: string, value: number, unit: string) => report('files', figure, value, unit);
const note = (text: string) => options.verbose && console.error(text);

const sandkeeper = await Sandkeeper.open();
const moru = new Moru(sandkeeper.engine);
const agent = new Agent({ keepAlive: true });

type Source = { url: string; headers: Record<string, string> };

async function open({ url, headers }: Source, range?: string): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { agent, headers: { ...headers, ...(range && { range }) } }, resolve)
      .on('error', reject)
      .end();
  });
  if (answer.statusCode !== (range ? 206 : 200)) throw new Error(`${url}: ${answer.statusCode}`);
  return answer;
}

/** Takes all of it as fast as it comes, and answers how many bytes that were. */
async function take(source: Source, range?: string): Promise<number> {
  let bytes = 0;
  const answer = await open(source, range);
  answer.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  await new Promise((resolve, reject) => answer.on('end', resolve).on('error', reject));
  return bytes;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** How often as fast ours is as theirs. In turns, so that what else the machine does meets both; the first warms up. */
async function compare(
  what: string,
  theirs: () => Promise<unknown>,
  ours: () => Promise<unknown>,
): Promise<number> {
  const times = { theirs: [] as number[], ours: [] as number[] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [theirsMs, oursMs] = [await timed(theirs), await timed(ours)];
    note(`${what}: ${theirsMs.toFixed()} ms by itself, ${oursMs.toFixed()} ms through Sandkeeper`);
    if (round === 0) continue;
    times.theirs.push(theirsMs);
    times.ours.push(oursMs);
  }
  return percentile(times.theirs, 0.5) / percentile(times.ours, 0.5);
}

/** What the engine has read so far, bytes. */
function engineRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${sandkeeper.engine.pid}/io`, 'utf8'))?.[1]);
}

/** Takes a large file at a megabyte a second, and answers how many megabytes were read of it beyond what was taken. */
async function takeSlowly(source: Source): Promise<number> {
  const before = engineRead();
  const answer = await open(source);
  const startedMs = performance.now();
  let taken = 0;
  while (performance.now() - startedMs < SLOW_FOR_MS) {
    taken += answer.read()?.length ?? 0;
    const dueMs = (taken / SLOW_BYTES_PER_S) * 1_000;
    await new Promise((resolve) => setTimeout(resolve, dueMs - (performance.now() - startedMs)));
  }
  const ahead = engineRead() - before - taken;
  answer.destroy();
  return ahead / MB;
}

async function takeInRanges(source: Source): Promise<void> {
  for (let at = 0; at < TEXT_BYTES; at += RANGE_BYTES) {
    await take(source, `bytes=${at}-${at + RANGE_BYTES - 1}`);
  }
}

/** The sandbox's own answer to a signed address. */
async function ownAddress(sandbox: Sandbox, path: string): Promise<Source> {
  const headers = { 'moru-sandbox-id': sandbox.sandboxId, 'moru-sandbox-port': ENVD_PORT };
  return { url: await sandbox.downloadUrl(path), headers };
}

try {
  const sandbox = await moru.handle(await moru.create());
  for (const script of FIXTURES) await sandbox.commands.run(script, { timeoutMs: 0 });
  const { admin } = await sandkeeper.openSessions();
  const our = (route: string, query: Record<string, string>): Source => ({
    url: `${sandkeeper.url}/api/sandboxes/${sandbox.sandboxId}/files/${route}?${new URLSearchParams(query)}`,
    headers: cookieOf(sandkeeper, admin),
  });
  const large = our('content', { path: `${HOME}/large`, as: 'download' });
  const text = our('content', { path: `${HOME}/large`, as: 'preview' });
  const archiveOf = (folder: string) =>
    our('archive', { path: `${HOME}/${folder}`, format: 'tar.gz', limit: 'none' });

  const own = await ownAddress(sandbox, `${HOME}/large`);
  tell(
    'download_ratio',
    await compare(
      'download',
      () => take(own),
      () => take(large),
    ),
    'ratio',
  );
  const tar = () => sandbox.commands.run('tar -cz few | wc -c');
  tell('archive_ratio', await compare('archive', tar, () => take(archiveOf('few'))), 'ratio');

  tell('download_memory_growth_mb', await growthMB(sandkeeper.pid, () => take(large)), 'MB');
  await take(archiveOf('many'));
  tell('archive_memory_growth_mb', await growthMB(sandkeeper.pid, () => take(archiveOf('many'))), 'MB');
  tell('ranges_memory_growth_mb', await growthMB(sandkeeper.pid, () => takeInRanges(text)), 'MB');
  let aheadMB = Number.NaN;
  const slowly = async () => {
    aheadMB = await takeSlowly(large);
  };
  tell('slow_download_memory_growth_mb', await growthMB(sandkeeper.pid, slowly), 'MB');
  tell('slow_download_read_ahead_mb', aheadMB, 'MB');

  const browser = await openBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    await context.addCookies(cookiesOf(sandkeeper, admin));
    const page = `${sandkeeper.url}/sandboxes/${sandbox.sandboxId}/files?path=${HOME}/listed`;
    // The first visit is for warming up.
    const times = (await measureFirstRows(context, page, VISITS + 1)).slice(1);
    note(`first paint: ${times.map((ms) => ms.toFixed()).join(', ')} ms`);
    tell('list_first_paint_ms', percentile(times, 0.5), 'ms');
  } finally {
    await browser.close();
  }
} finally {
  agent.destroy();
  await sandkeeper.close();
}
