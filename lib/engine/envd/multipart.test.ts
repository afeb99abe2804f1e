import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test-support/runs';
import { boundaryOf, MultipartError, readMultipart } from './multipart';

type Part = { name: string | null; fileName: string | null; content: string };

async function* inPieces(body: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (let index = 0; start < body.length; index += 1) {
    const size = sizes[index % sizes.length] ?? body.length;
    yield body.subarray(start, start + size);
    start += size;
  }
}

async function parse(body: Buffer, boundary: string, sizes: readonly number[] = [65_536]): Promise<Part[]> {
  const parts: Part[] = [];
  let content: Buffer[] = [];
  for await (const event of readMultipart(inPieces(body, sizes), boundary)) {
    if (event.type === 'part') parts.push({ name: event.name, fileName: event.fileName, content: '' });
    else if (event.type === 'data') content.push(Buffer.from(event.chunk));
    else {
      const last = parts.at(-1);
      if (last) last.content = Buffer.concat(content).toString('latin1');
      content = [];
    }
  }
  return parts;
}

const encode = (boundary: string, contents: readonly Buffer[]) =>
  Buffer.concat([
    ...contents.flatMap((content) => [
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a/b"\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);

describe('readMultipart', () => {
  it('returns any content in any chunks, even if it resembles a delimiter', async () => {
    const tricky = fc.constantFrom(
      '\r\n',
      '--',
      'b',
      '\r\n--b',
      '\r\n--bX',
      '\r',
      '\n',
      '--b--',
      'text',
      '\0',
    );
    const content = fc.array(tricky, { maxLength: 12 }).map((pieces) => pieces.join(''));
    const safe = content.filter((text) => !/(^|\r\n)--b(--|[ \t]*\r\n)/.test(`${text}\r\n--b`.slice(0, -3)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(safe, { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (contents, sizes) => {
          const body = encode(
            'b',
            contents.map((text) => Buffer.from(text, 'latin1')),
          );
          const parts = await parse(body, 'b', sizes);
          expect(parts.map((part) => part.content)).toEqual(contents);
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('skips text before and after the parts', async () => {
    const body = Buffer.concat([
      Buffer.from('hello\r\n'),
      encode('b', [Buffer.from('x')]),
      Buffer.from('more'),
    ]);
    expect(await parse(body, 'b', [3])).toMatchObject([{ content: 'x' }]);
    expect(await parse(Buffer.from('--b--'), 'b')).toEqual([]);
  });

  it('reads names in every encoding', async () => {
    const nameOf = async (disposition: string) => {
      const head = disposition === '' ? '' : `content-disposition: ${disposition}\r\nX: y\r\n`;
      const [part] = await parse(Buffer.from(`--b\r\n${head}\r\nx\r\n--b--`), 'b', [7]);
      return [part?.name, part?.fileName];
    };
    expect(await nameOf('form-data; name="file"; filename="/a/ü b;c.txt"')).toEqual(['file', '/a/ü b;c.txt']);
    expect(await nameOf('form-data;filename=plain;name=file')).toEqual(['file', 'plain']);
    expect(await nameOf(String.raw`form-data; name="file"; filename="a\"b\\c\d"`)).toEqual([
      'file',
      'a"b\\c\\d',
    ]);
    expect(await nameOf('form-data; name="file"; filename="a%22b"')).toEqual(['file', 'a%22b']);
    expect(await nameOf("form-data; name=file; filename*=UTF-8''%E4%BD%A0")).toEqual(['file', '你']);
    expect(await nameOf('form-data; name="a; filename=evil"')).toEqual(['a; filename=evil', null]);
    expect(await nameOf('')).toEqual([null, null]);
  });

  it('rejects incomplete bodies and long headers', async () => {
    const body = encode('b', [Buffer.from('x')]);
    for (const length of [0, 2, 10, 70, body.length - 4]) {
      await expect(parse(body.subarray(0, length), 'b'), String(length)).rejects.toThrow(MultipartError);
    }
    const endless = Buffer.from(`--b\r\n${'h'.repeat(20_000)}`);
    const large = Buffer.from(`--b\r\nX: ${'h'.repeat(20_000)}\r\n\r\nx\r\n--b--`);
    for (const sizes of [[1000], [1_000_000]]) {
      await expect(parse(endless, 'b', sizes)).rejects.toThrow(MultipartError);
      await expect(parse(large, 'b', sizes)).rejects.toThrow(MultipartError);
    }
  });

  it('accepts blanks after a delimiter and malformed header lines', async () => {
    const head = 'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
    const body = `--b \t\r\n${head}one\r\n--b\r\nnonsense\r\n: \r\n${head}two\r\n--b--`;
    for (const size of [1, 7, 1000]) {
      const parts = await parse(Buffer.from(body), 'b', [size]);
      expect(parts.map((part) => [part.fileName, part.content])).toEqual([
        ['a', 'one'],
        ['a', 'two'],
      ]);
    }
  });

  it('gives the same result for any chunks of any body', async () => {
    const pieces = fc.constantFrom(
      ...[
        '--b',
        '--',
        '\r\n',
        '\r\n\r\n',
        '\r',
        '\n',
        ' ',
        '\t',
        ';',
        '=',
        '"',
        '\\',
        ':',
        '\0',
        '\xff',
        'x',
      ],
      ...['Content-Disposition:', 'form-data', 'name', 'filename', "filename*=UTF-8''%", '__proto__: x'],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(pieces, { maxLength: 60 }),
        fc.integer({ min: 1, max: 40 }),
        async (texts, size) => {
          const body = Buffer.from(`--b\r\n${texts.join('')}`, 'latin1');
          const outcome = async (sizes: number[]) =>
            await parse(body, 'b', sizes).catch((error: unknown) => error);
          const whole = await outcome([1_000_000]);
          if (!Array.isArray(whole)) expect(whole).toBeInstanceOf(MultipartError);
          expect(await outcome([size])).toEqual(whole);
        },
      ),
      { numRuns: runs(1_000) },
    );
  });
});

it('finds the boundary', () => {
  expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc');
  expect(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"')).toBe('a b');
  expect(boundaryOf('multipart/form-data')).toBeNull();
  expect(boundaryOf('application/json; boundary=abc')).toBeNull();
  expect(boundaryOf(undefined)).toBeNull();
});
