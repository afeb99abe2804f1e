import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine } from '../../engine/jail/test-process-engine';
import { apiOf } from '../../sandbox-api/configured';
import { idOf, type SandboxKey } from '../../sandbox-key';
import { eventually, localKey, setUpDataDir, thrownBy } from '../../test-support/environment';
import type { SearchLine } from '../schema';
import { parseMatches, parsePaths } from './output';
import { ndjsonOf, SearchQuery, searchFiles } from './search';

setUpDataDir();

const { signal } = new AbortController();

describe.runIf(canRun)('a search', () => {
  let engine: ProcessEngine;
  let key: SandboxKey;
  let root: string;

  beforeAll(async () => {
    engine = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = engine.url;
    process.env.SANDKEEPER_ENGINE_KEY = engine.apiKey;
    ({ key, root } = await newSandbox());
    const dir = `${root}/data/work`;
    fs.mkdirSync(`${dir}/sub/needle-dir`, { recursive: true });
    fs.mkdirSync(`${root}/data/other`);
    fs.writeFileSync(`${dir}/Needle.txt`, 'one\nthe Needle\nthree');
    fs.writeFileSync(`${dir}/sub/a\nneedle`, 'a [needle].* b\n');
    fs.writeFileSync(`${dir}/sub/bytes`, Buffer.from('needle\0needle'));
    fs.writeFileSync(`${dir}/sub/long`, `${'x'.repeat(100_000)}needle${'y'.repeat(100_000)}\n`);
    fs.writeFileSync(`${dir}/sub/glob[a]*?\\`, '');
    fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/needle`), Buffer.from([0xff])]), 'needle');
    fs.writeFileSync(`${root}/data/other/needle`, 'needle');
    fs.symlinkSync('../other', `${dir}/link`);
    execFileSync('mkfifo', [`${dir}/needle-fifo`]);
  });

  /** `tools`: the only programs in the sandbox. */
  async function newSandbox(tools?: Record<string, string>) {
    const { sandboxId, files } = await engine.create(tools ? { envs: { PATH: '/data/bin' } } : {});
    await files.makeDir('/data/bin').catch(() => {});
    const rootDir = join(engine.guestDir(sandboxId), 'root');
    for (const [name, script] of Object.entries(tools ?? {})) {
      fs.writeFileSync(`${rootDir}/data/bin/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return { key: localKey(sandboxId), root: rootDir };
  }

  const search = (query: SearchQuery, of = key) => searchFiles(of, query, signal);

  async function all(query: SearchQuery, of = key): Promise<SearchLine[]> {
    const lines: SearchLine[] = [];
    for await (const line of search(query, of)) lines.push(line);
    return lines;
  }

  async function isIdle(of: SandboxKey): Promise<boolean> {
    return (await (await apiOf(of).openEnvd(of)).listProcesses(signal)).length === 0;
  }

  const NAMED = {
    '/data/work/Needle.txt': 'file',
    '/data/work/needle\uFFFD': 'file',
    '/data/work/needle-fifo': 'fifo',
    '/data/work/sub/a\nneedle': 'file',
    '/data/work/sub/needle-dir': 'directory',
  };

  const kindsIn = (lines: SearchLine[]) =>
    Object.fromEntries(lines.flatMap((line) => (line.type === 'hit' ? [[line.path, line.kind]] : [])));

  it('by name finds entries of any kind', async () => {
    const lines = await all({ path: '/data/work', text: 'needle', in: 'name' });
    expect(kindsIn(lines)).toEqual(NAMED);
    expect(lines.at(-1)).toEqual({ type: 'end', hits: 5, cut: null });
    const bad = lines.find((line) => line.type === 'hit' && line.path.includes('\uFFFD'));
    expect(bad).toMatchObject({ isAddressable: false });
  });

  it('by name is case-sensitive with capitals and takes patterns literally', async () => {
    const paths = async (wanted: string) =>
      Object.keys(kindsIn(await all({ path: '/data/work', text: wanted, in: 'name' })));
    expect(await paths('Needle')).toEqual(['/data/work/Needle.txt']);
    expect(await paths('[a]*?\\')).toEqual(['/data/work/sub/glob[a]*?\\']);
    expect(await paths('g*b')).toEqual([]);
    expect(await paths('-exec')).toEqual([]);
  });

  it('by name works with a limited find', async () => {
    const find =
      'for a; do [ "$a" = -printf ] && { echo "find: unrecognized: -printf" >&2; exit 1; }; done\nexec /usr/bin/find "$@"';
    const { key: other, root: its } = await newSandbox({ find });
    fs.writeFileSync(`${its}/data/needle`, '');
    const lines = await all({ path: '/data', text: 'needle', in: 'name' }, other);
    expect(kindsIn(lines)).toEqual({ '/data/needle': 'other' });
  });

  it('by content finds lines of text files and skips links and pipes', async () => {
    const lines = await all({ path: '/data/work', text: 'needle', in: 'content' });
    const hits = lines.flatMap((line) => (line.type === 'hit' ? [line] : []));
    expect(hits.map(({ path, line }) => `${path}:${line}`).sort()).toEqual(
      [
        '/data/work/Needle.txt:2',
        '/data/work/needle\uFFFD:1',
        '/data/work/sub/a\nneedle:1',
        '/data/work/sub/long:1',
      ].sort(),
    );
    const textOf = (path: string) => hits.find((hit) => hit.path === path)?.text;
    expect(textOf('/data/work/Needle.txt')).toBe('the Needle');
    expect(textOf('/data/work/sub/a\nneedle')).toBe('a [needle].* b');
    expect(textOf('/data/work/sub/long')?.length).toBeLessThan(400);
    expect(lines.at(-1)).toMatchObject({ type: 'end', cut: null });
  });

  it('by content sends the first lines of a file and counts all', async () => {
    fs.mkdirSync(`${root}/data/many`);
    fs.writeFileSync(`${root}/data/many/-full\n.log`, 'one FINDME\n'.repeat(482));
    fs.writeFileSync(`${root}/data/many/just`, 'findme\n'.repeat(20));
    fs.writeFileSync(`${root}/data/many/few`, 'findme\n'.repeat(3));
    const lines = await all({ path: '/data/many', text: 'findme', in: 'content' });
    const hits = lines.flatMap((line) => (line.type === 'hit' ? [line.path] : []));
    expect(hits.filter((path) => path.endsWith('.log'))).toHaveLength(20);
    expect(lines.slice(hits.length)).toEqual([
      { type: 'count', path: '/data/many/-full\n.log', matches: 482 },
      { type: 'end', hits: 43, cut: null },
    ]);
  });

  it('by content takes patterns and options literally', async () => {
    const count = async (wanted: string) =>
      (await all({ path: '/data/work', text: wanted, in: 'content' })).length - 1;
    expect(await count('[needle].*')).toBe(1);
    expect(await count('n..dle')).toBe(0);
    expect(await count('--help')).toBe(0);
    expect(await count('the Needle')).toBe(1);
    expect(await count('THE NEEDLE')).toBe(0);
  });

  it('of the root skips pseudo file systems', async () => {
    const lines = await all({ path: '/', text: 'needle-dir', in: 'name' });
    expect(Object.keys(kindsIn(lines))).toEqual(['/data/work/sub/needle-dir']);
  });

  it('ends at its limit and when it is cancelled', async () => {
    const grep = 'n=0; while :; do n=$((n+1)); printf "/data/f%s\\0001:found\\n" $n; done';
    const { key: other } = await newSandbox({ grep });
    const lines = await all({ path: '/data', text: 'x', in: 'content' }, other);
    expect(lines).toHaveLength(1_001);
    expect(lines.at(-1)).toEqual({ type: 'end', hits: 1_000, cut: 'count' });
    await eventually(() => isIdle(other));
    const stream = await ndjsonOf(search({ path: '/data', text: 'x', in: 'content' }, other));
    expect(await isIdle(other)).toBe(false);
    await stream.cancel();
    await eventually(() => isIdle(other), 3_000);
  });

  it('streams NDJSON', async () => {
    const stream = await ndjsonOf(search({ path: '/data/other', text: 'needle', in: 'name' }));
    expect(
      (await text(stream))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { type: 'hit', path: '/data/other/needle', kind: 'file', line: null, text: null, isAddressable: true },
      { type: 'end', hits: 1, cut: null },
    ]);
  });

  it('reports why it cannot run', async () => {
    const problem = async (query: SearchQuery, of = key) => thrownBy(() => ndjsonOf(search(query, of)));
    expect(await problem({ path: '/nowhere', text: 'x', in: 'name' })).toMatchObject({ problem: 'vanished' });
    const { key: bare } = await newSandbox({});
    expect(await problem({ path: '/data', text: 'x', in: 'name' }, bare)).toMatchObject({ code: 'conflict' });
    expect(await problem({ path: '/data', text: 'x', in: 'content' }, bare)).toMatchObject({
      code: 'conflict',
    });
    await engine.api('POST', `/sandboxes/${idOf(bare)}/pause`);
    expect(await problem({ path: '/data', text: 'x', in: 'name' }, bare)).toMatchObject({
      problem: 'not_running',
    });
    for (const wrong of ['', 'a\nb', 'a\0b', 'x'.repeat(201)]) {
      expect(SearchQuery.safeParse({ path: '/', text: wrong, in: 'name' }).success).toBe(false);
    }
  });
});

describe('the output of a search program', () => {
  async function* cut(bytes: string, into: number): AsyncGenerator<Buffer> {
    const all = Buffer.from(bytes);
    for (let at = 0; at < all.length; at += into) yield all.subarray(at, at + into);
  }

  it.each([1, 3, 1000])('is parsed in chunks of %i bytes', async (into) => {
    const hits = [];
    const output = cut('/a:1\0' + '12:x:y\n/b\0' + '3:\n/cut\0' + '4:o', into);
    for await (const { path, line, text: shown } of parseMatches(output, 'x')) hits.push([path, line, shown]);
    expect(hits).toEqual([
      ['/a:1', 12, 'x:y'],
      ['/b', 3, ''],
    ]);
    const found = [];
    for await (const hit of parsePaths({ hasKind: true })(cut('f/a\nb\0d/ü\0relative\0l/cut', into), '')) {
      found.push([hit.path, hit.kind]);
    }
    expect(found).toEqual([
      ['/a\nb', 'file'],
      ['/ü', 'directory'],
    ]);
  });

  it('is parsed in bounded memory', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('/a\x001:');
      for (let n = 0; n < 6_000; n += 1) yield Buffer.alloc(64 * 1024, 'x');
      yield Buffer.from('\n');
    }
    const before = process.memoryUsage().rss;
    for await (const { text: shown } of parseMatches(endless(), 'needle'))
      expect(shown?.length).toBeLessThan(400);
    expect(process.memoryUsage().rss - before).toBeLessThan(250 * 2 ** 20);
  });
});
