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
import { pageOf, routesOf } from '../e2e/support/local';
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

/** Reads the whole response and returns its size, bytes. */
async function download(source: Source, range?: string): Promise<number> {
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

/** The throughput of ours relative to theirs. Alternates, so that other load affects both. The first round is a warm-up. */
async function compare(
  label: string,
  theirs: () => Promise<unknown>,
  ours: () => Promise<unknown>,
): Promise<number> {
  const times = { theirs: [] as number[], ours: [] as number[] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [theirsMs, oursMs] = [await timed(theirs), await timed(ours)];
    note(`${label}: ${theirsMs.toFixed()} ms directly, ${oursMs.toFixed()} ms through Sandkeeper`);
    if (round === 0) continue;
    times.theirs.push(theirsMs);
    times.ours.push(oursMs);
  }
  return percentile(times.theirs, 0.5) / percentile(times.ours, 0.5);
}

/** The number of bytes that the engine has read since its start. */
function engineReadBytes(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${sandkeeper.engine.pid}/io`, 'utf8'))?.[1]);
}

/** Downloads a large file at 1 MB/s and returns how far the engine has read ahead of the client, MB. */
async function downloadSlowly(source: Source): Promise<number> {
  const before = engineReadBytes();
  const answer = await open(source);
  const startedMs = performance.now();
  let received = 0;
  while (performance.now() - startedMs < SLOW_FOR_MS) {
    received += answer.read()?.length ?? 0;
    const dueMs = (received / SLOW_BYTES_PER_S) * 1_000;
    await new Promise((resolve) => setTimeout(resolve, dueMs - (performance.now() - startedMs)));
  }
  const ahead = engineReadBytes() - before - received;
  answer.destroy();
  return ahead / MB;
}

async function downloadInRanges(source: Source): Promise<void> {
  for (let at = 0; at < TEXT_BYTES; at += RANGE_BYTES) {
    await download(source, `bytes=${at}-${at + RANGE_BYTES - 1}`);
  }
}

/** The signed URL of a file in the sandbox. */
async function directSource(sandbox: Sandbox, path: string): Promise<Source> {
  const headers = { 'moru-sandbox-id': sandbox.sandboxId, 'moru-sandbox-port': ENVD_PORT };
  return { url: await sandbox.downloadUrl(path), headers };
}

try {
  const sandbox = await moru.handle(await moru.create());
  for (const script of FIXTURES) await sandbox.commands.run(script, { timeoutMs: 0 });
  const { admin } = await sandkeeper.openSessions();
  const our = (route: string, query: Record<string, string>): Source => ({
    url: `${sandkeeper.url}${routesOf(sandbox.sandboxId)}/files/${route}?${new URLSearchParams(query)}`,
    headers: cookieOf(sandkeeper, admin),
  });
  const large = our('content', { path: `${HOME}/large`, as: 'download' });
  const text = our('content', { path: `${HOME}/large`, as: 'preview' });
  const archiveOf = (folder: string) =>
    our('archive', { path: `${HOME}/${folder}`, format: 'tar.gz', limit: 'none' });

  const own = await directSource(sandbox, `${HOME}/large`);
  tell(
    'download_ratio',
    await compare(
      'download',
      () => download(own),
      () => download(large),
    ),
    'ratio',
  );
  const tar = () => sandbox.commands.run('tar -cz few | wc -c');
  tell('archive_ratio', await compare('archive', tar, () => download(archiveOf('few'))), 'ratio');

  tell('download_memory_growth_mb', await growthMB(sandkeeper.pid, () => download(large)), 'MB');
  await download(archiveOf('many'));
  tell('archive_memory_growth_mb', await growthMB(sandkeeper.pid, () => download(archiveOf('many'))), 'MB');
  tell('ranges_memory_growth_mb', await growthMB(sandkeeper.pid, () => downloadInRanges(text)), 'MB');
  let aheadMB = Number.NaN;
  const slowly = async () => {
    aheadMB = await downloadSlowly(large);
  };
  tell('slow_download_memory_growth_mb', await growthMB(sandkeeper.pid, slowly), 'MB');
  tell('slow_download_read_ahead_mb', aheadMB, 'MB');

  const browser = await openBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    await context.addCookies(cookiesOf(sandkeeper, admin));
    const page = `${sandkeeper.url}${pageOf(sandbox.sandboxId)}/files?path=${HOME}/listed`;
    // The first visit is a warm-up.
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
