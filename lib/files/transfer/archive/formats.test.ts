import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { thrownBy } from '../../../test-support/environment';
import { runs } from '../../../test-support/runs';
import { hasPython } from '../../test-file-server';
import { bytesOf, noBytes, type SafeEntry } from './entry';
import { readTar } from './tar-reader';
import { writeTar } from './tar-writer';
import { crc32, crc32ByTable, writeZip } from './zip-writer';

function newDir(): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-archive-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const AT_MS = Date.UTC(2024, 1, 29, 12, 34, 56);

function file(name: string, content: Buffer | string, more: Partial<SafeEntry> = {}): SafeEntry {
  const bytes = Buffer.from(content);
  return {
    name,
    kind: 'file',
    sizeBytes: bytes.length,
    modifiedAtMs: AT_MS,
    isExecutable: false,
    body: bytesOf(bytes),
    ...more,
  };
}

const folder = (name: string): SafeEntry => file(name, '', { kind: 'directory' });

async function* all(entries: SafeEntry[]): AsyncGenerator<SafeEntry> {
  yield* entries;
}

/** Content by path, `null` for a folder. */
function treeOf(dir: string, prefix = ''): Record<string, Buffer | null> {
  return Object.fromEntries(
    fs.readdirSync(join(dir, prefix), { withFileTypes: true }).flatMap((entry) => {
      const path = `${prefix}${entry.name}`;
      if (!entry.isDirectory()) return [[path, fs.readFileSync(join(dir, path))]];
      return [[path, null], ...Object.entries(treeOf(dir, `${path}/`))];
    }),
  );
}

const NOISE = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 2654435761) >>> 13));
const ENTRIES = () => [
  folder('top'),
  folder('top/empty'),
  file('top/plain.txt', 'hello'),
  file('top/nothing', ''),
  file('top/run.sh', '#!/bin/sh\n', { isExecutable: true }),
  file('top/ü 中 \u{1F600}', 'unicode'),
  file(`top/${'long/'.repeat(40)}name`, 'deep'),
  file(`top/${'x'.repeat(255)}`, 'long'),
  file('top/noise', NOISE),
  file('top/large.txt', 'again and '.repeat(50_000)),
];

const EXPECTED = Object.fromEntries(
  ENTRIES()
    .flatMap(({ name, kind }) => (kind === 'file' ? [name] : []))
    .map((name) => [name, true]),
);

function expectUnpacked(dir: string): void {
  const tree = treeOf(dir);
  expect(
    Object.keys(tree)
      .filter((path) => tree[path] !== null)
      .sort(),
  ).toEqual(Object.keys(EXPECTED).sort());
  expect(tree['top/empty']).toBeNull();
  expect(tree['top/plain.txt']?.toString()).toBe('hello');
  expect(tree['top/nothing']?.length).toBe(0);
  expect(tree['top/noise']?.equals(NOISE)).toBe(true);
  expect(tree['top/large.txt']?.toString()).toBe('again and '.repeat(50_000));
  expect(fs.statSync(join(dir, 'top/run.sh')).mode & 0o777).toBe(0o755);
  expect(fs.statSync(join(dir, 'top/plain.txt')).mode & 0o777).toBe(0o644);
  expect(fs.statSync(join(dir, 'top/plain.txt')).mtimeMs).toBe(AT_MS);
}

/** Times at and beyond the ends of each format. */
const YEARS = [1901, 1960, 1975, 2024, 2037, 2039, 2107, 2150, 2242, 2300, 9999];
const inYear = (year: number) => Date.UTC(year, 5, 1, 10, 20, 30);
const DATED = () => YEARS.map((year) => file(`${year}`, '', { modifiedAtMs: inYear(year) }));

describe('a tar', () => {
  it('keeps times before 1970 and after 2242', async () => {
    const dir = newDir();
    const dated = await buffer(Readable.from(writeTar(all(DATED()))));
    const stdio: ('pipe' | 'ignore')[] = ['pipe', 'pipe', 'ignore'];
    execFileSync('tar', ['-x', '-f', '-', '-C', dir], { input: dated, stdio });
    const listed = execFileSync('tar', ['-t', '-v', '-f', '-'], {
      input: dated,
      env: { ...process.env, TZ: 'UTC0' },
    }).toString();
    for (const year of YEARS) {
      expect(listed).toContain(`${year}-06-01 10:20 ${year}`);
    }
    const seen: Record<string, number> = {};
    for await (const { path, modifiedAtMs } of readTar(cut(dated, 4096))) seen[path.join('/')] = modifiedAtMs;
    expect(seen).toEqual(Object.fromEntries(YEARS.map((year) => [String(year), inYear(year)])));
  });

  it('by tar is read with times before 1970 and after 2242', async () => {
    const dir = newDir();
    // Not every file system stores such times, so tar overrides them.
    fs.writeFileSync(`${dir}/file`, '');
    for (const format of ['gnu', 'pax'] as const)
      for (const year of YEARS) {
        const seconds = inYear(year) / 1000;
        const args = ['-c', `--format=${format}`, `--mtime=@${seconds}`, '-f', '-', '-C', dir, 'file'];
        const { value } = await readTar(cut(execFileSync('tar', args), 512)).next();
        expect(value, `${year} as ${format}`).toMatchObject({ modifiedAtMs: inYear(year) });
      }
  });

  it('reads only decimal numbers from pax attributes', async () => {
    const plain = await buffer(
      Readable.from(writeTar(all([file('2300', '', { modifiedAtMs: inYear(2300) })]))),
    );
    const seconds = String(inYear(2300) / 1000);
    const readTime = async (text: string) => {
      const bytes = Buffer.from(plain);
      bytes.write(text.padEnd(seconds.length, '0'), bytes.indexOf(seconds), 'latin1');
      return (await readTar(cut(bytes, 512)).next()).value?.modifiedAtMs;
    };
    expect(await readTime('-3')).toBe(-3_000_000_000_000);
    for (const text of ['0x1f', '1e9', 'Infinity'])
      expect(await readTime(text.slice(0, 8)), text).toBe((8 ** 11 - 1) * 1000);
  });

  it('can be unpacked by tar', async () => {
    const dir = newDir();
    const tar = await buffer(Readable.from(writeTar(all(ENTRIES()))));
    execFileSync('tar', ['-x', '-f', '-', '-C', dir], { input: tar });
    expectUnpacked(dir);
  });

  it('by tar is read in each format and chunk size', async () => {
    const dir = newDir();
    fs.mkdirSync(`${dir}/in/${'long/'.repeat(40)}`, { recursive: true });
    fs.writeFileSync(`${dir}/in/plain.txt`, 'hello', { mode: 0o755 });
    fs.writeFileSync(`${dir}/in/nothing`, '');
    fs.writeFileSync(`${dir}/in/a\nb`, 'newline');
    fs.writeFileSync(`${dir}/in/ü`, 'unicode');
    fs.writeFileSync(`${dir}/in/${'x'.repeat(255)}`, 'long');
    fs.writeFileSync(`${dir}/in/${'long/'.repeat(40)}name`, 'deep');
    fs.writeFileSync(`${dir}/in/noise`, NOISE);
    fs.utimesSync(`${dir}/in/plain.txt`, AT_MS / 1000, AT_MS / 1000);
    fs.symlinkSync('/etc/passwd', `${dir}/in/link`);
    fs.linkSync(`${dir}/in/noise`, `${dir}/in/same`);
    execFileSync('mkfifo', [`${dir}/in/fifo`]);
    for (const format of ['gnu', 'pax', 'posix']) {
      const tar = execFileSync('tar', ['-c', `--format=${format}`, '-f', '-', '-C', dir, './in'], {
        maxBuffer: 10_000_000,
      });
      for (const cutInto of [997, 4096, tar.length]) {
        const seen: Record<string, string> = {};
        for await (const entry of readTar(cut(tar, cutInto))) {
          const name = entry.path.filter((part) => part !== '.' && part !== '').join('/');
          const body = Buffer.concat(await Readable.from(entry.body).toArray());
          seen[name] = `${entry.kind} ${body.equals(NOISE) ? 'noise' : body}${entry.linkTarget}`;
          if (name === 'in/plain.txt') {
            expect(entry).toMatchObject({ mode: 0o755, modifiedAtMs: AT_MS, sizeBytes: 5 });
          }
        }
        const { 'in/noise': one, 'in/same': other, ...rest } = seen;
        expect([one, other].sort()[1]).toMatch(/^link/);
        expect([one, other].sort()[0]).toBe('file noise');
        expect(rest).toMatchObject({
          in: 'directory ',
          'in/plain.txt': 'file hello',
          'in/nothing': 'file ',
          'in/a\nb': 'file newline',
          'in/ü': 'file unicode',
          [`in/${'x'.repeat(255)}`]: 'file long',
          [`in/${'long/'.repeat(40)}name`]: 'file deep',
          'in/link': 'link /etc/passwd',
          'in/fifo': 'other ',
        });
      }
    }
  });

  it('continues after unread bodies', async () => {
    const tar = await buffer(
      Readable.from(writeTar(all([file('a', NOISE), file('b', 'x'), file('c', NOISE)]))),
    );
    const names: string[] = [];
    for await (const { path, body } of readTar(cut(tar, 1000))) {
      names.push(path.join('/'));
      if (names.length === 1) for await (const _ of body) break;
    }
    expect(names).toEqual(['a', 'b', 'c']);
  });

  it('stores large sizes', async () => {
    const huge = { ...file('huge', ''), sizeBytes: 2 ** 40, body: noBytes() };
    const tar = Buffer.concat(
      await Readable.from(writeTar(all([huge])))
        .take(3)
        .toArray(),
    );
    const reading = readTar(cut(tar, tar.length));
    expect((await reading.next()).value).toMatchObject({ path: ['huge'], sizeBytes: 2 ** 40 });
  });

  it('is rejected if invalid, incomplete or hostile, in bounded memory', async () => {
    const whole = await buffer(Readable.from(writeTar(all([file('a', 'x'.repeat(2000))]))));
    const drain = async (bytes: Buffer) => {
      for await (const { body } of readTar(cut(bytes, 512))) for await (const _ of body);
    };
    for (const length of [0, 100, 512, 1000, 2048, 2560]) {
      expect(await thrownBy(() => drain(whole.subarray(0, length))), String(length)).toMatchObject({
        name: 'TarError',
      });
    }
    const broken = Buffer.from(whole);
    broken[0] = 0x62;
    expect(await thrownBy(() => drain(broken))).toMatchObject({ name: 'TarError' });
    expect(await thrownBy(() => drain(Buffer.alloc(4096, 'x')))).toMatchObject({ name: 'TarError' });
    // A long-name header of a gigabyte.
    const [header] = await Readable.from(writeTar(all([{ ...file('n', ''), sizeBytes: 2 ** 30 }])))
      .take(1)
      .toArray();
    const long = Buffer.from(header as Buffer);
    long.write('L', 156);
    long.write(sumOf(long), 148);
    let given = 0;
    async function* endless() {
      yield long;
      for (;;) {
        given += 1;
        yield Buffer.alloc(64 * 1024, 'a');
      }
    }
    expect(await thrownBy(() => readTar(endless()).next())).toMatchObject({ name: 'TarError' });
    expect(given).toBeLessThan(3);
  });

  it('throws only TarError for arbitrary bytes', async () => {
    const whole = await buffer(Readable.from(writeTar(all(ENTRIES().slice(0, 8)))));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.nat(512), async (at, byte, cutInto) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        try {
          for await (const { body } of readTar(cut(bytes, cutInto + 1))) for await (const _ of body);
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'TarError' });
        }
      }),
      { numRuns: runs(200) },
    );
  });
});

describe.runIf(hasPython)('a zip', () => {
  it('holds the ends of its format for times that do not fit', async () => {
    const dir = newDir();
    fs.writeFileSync(`${dir}/a.zip`, await buffer(Readable.from(writeZip(all(DATED())))));
    const script = `
import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps({i.filename: ["%04d-%02d-%02d %02d:%02d:%02d" % i.date_time, i.extra.hex()] for i in z.infolist()}))
`;
    const seen: Record<string, [time: string, extra: string]> = JSON.parse(
      execFileSync('python3', ['-c', script, `${dir}/a.zip`]).toString(),
    );
    const expected = YEARS.map((year) => {
      const time =
        year < 1980 ? '1980-01-01 00:00:00' : year > 2107 ? '2107-12-31 23:59:58' : `${year}-06-01 10:20:30`;
      const seconds = Buffer.alloc(4);
      const hasStamp = year >= 1970 && year < 2038;
      if (hasStamp) seconds.writeInt32LE(inYear(year) / 1000);
      return [String(year), [time, hasStamp ? `5554050001${seconds.toString('hex')}` : '']];
    });
    expect(seen).toEqual(Object.fromEntries(expected));
  });

  it('can be unpacked by Python', async () => {
    const dir = newDir();
    fs.writeFileSync(`${dir}/a.zip`, await buffer(Readable.from(writeZip(all(ENTRIES())))));
    const script = `
import sys, os, zipfile, calendar
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
for i in z.infolist():
    out = z.extract(i, sys.argv[2])
    os.chmod(out, (i.external_attr >> 16) & 0o777)
    at = calendar.timegm(i.date_time)
    os.utime(out, (at, at))
`;
    execFileSync('python3', ['-c', script, `${dir}/a.zip`, `${dir}/out`]);
    expectUnpacked(`${dir}/out`);
  });

  it('holds more entries than 16 bits count', async () => {
    const dir = newDir();
    async function* many(): AsyncGenerator<SafeEntry> {
      for (let n = 0; n < 70_000; n += 1) yield file(`many/${n}`, '');
    }
    fs.writeFileSync(`${dir}/a.zip`, await buffer(Readable.from(writeZip(many()))));
    const script = 'import sys,zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))';
    expect(
      execFileSync('python3', ['-c', script, `${dir}/a.zip`])
        .toString()
        .trim(),
    ).toBe('70000');
  });

  it('fails if a file fails', async () => {
    async function* broken() {
      yield NOISE;
      throw new Error('gone');
    }
    const entry = { ...file('a', ''), sizeBytes: 1_000_000, body: broken() };
    expect(await thrownBy(() => buffer(Readable.from(writeZip(all([entry])))))).toMatchObject({
      message: 'gone',
    });
  });
});

it('computes the same CRC by table', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), fc.uint8Array(), (first, second) => {
      const [one, two] = [Buffer.from(first), Buffer.from(second)];
      const sum = crc32ByTable(two, crc32ByTable(one, 0));
      expect(sum).toBe(crc32(Buffer.concat([one, two]), 0));
    }),
  );
  expect(crc32ByTable(Buffer.from('123456789'), 0)).toBe(0xcbf43926);
});

async function* cut(bytes: Buffer, into: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += into) yield bytes.subarray(at, at + into);
}

function sumOf(header: Buffer): string {
  const blank = Buffer.from(header);
  blank.fill(0x20, 148, 156);
  return `${blank
    .reduce((sum, byte) => sum + byte, 0)
    .toString(8)
    .padStart(6, '0')}\0 `;
}
