import { Terminal } from '@xterm/xterm';
import { describe, expect, it } from 'vitest';
import { guardParser, isFocusReport, plainPaste, plainTitle, showsAddress, webAddress } from './hostile';

describe('plainTitle', () => {
  it('keeps one short line without control characters', () => {
    expect(plainTitle('user@host: ~')).toBe('user@host: ~');
    expect(plainTitle('a\u202Eb\u0007c\nd\u2028e\u200Ff')).toBe('abcdef');
    expect([...plainTitle('😀'.repeat(500))]).toHaveLength(80);
  });
});

describe('plainPaste', () => {
  it('removes escapes, which could end the bracketed paste', () => {
    expect(plainPaste('a\r\nb\rc\td')).toBe('a\nb\nc\td');
    expect(plainPaste('safe\x1b[201~\nrm -rf /\x00\x9b')).toBe('safe[201~\nrm -rf /');
  });
});

describe('webAddress', () => {
  it('accepts only http and https', () => {
    expect(webAddress('https://example.com/a?b#c')).toBe('https://example.com/a?b#c');
    for (const uri of [
      'javascript:alert(1)',
      'file:///etc/passwd',
      'data:text/html,x',
      'ftp://x',
      'nothing',
      '',
    ])
      expect(webAddress(uri)).toBeNull();
  });
});

describe('showsAddress', () => {
  it('is true only if the text is the address', () => {
    const shows = (text: string, uri: string) => showsAddress(text, webAddress(uri) ?? 'about:blank');
    expect(shows('https://example.com', 'https://example.com')).toBe(true);
    expect(shows('https://example.com/x', 'https://example.com/x')).toBe(true);
    expect(shows('https://bank.example', 'https://evil.example')).toBe(false);
    expect(shows('click here', 'https://evil.example')).toBe(false);
    // Contains a Cyrillic letter that looks Latin.
    expect(shows('https://bаnk.example', 'https://bаnk.example')).toBe(false);
    expect(shows('https://bank.example@evil.example/', 'https://bank.example@evil.example/')).toBe(false);
  });
});

describe('guardParser', () => {
  /** The input that a terminal sends in answer to this output. */
  async function answersTo(output: string, isSilent: boolean): Promise<string[]> {
    const terminal = new Terminal({ allowProposedApi: true });
    guardParser(terminal.parser, () => isSilent);
    const answers: string[] = [];
    terminal.onData((text) => answers.push(text));
    await new Promise<void>((resolve) => terminal.write(output, resolve));
    terminal.dispose();
    return answers;
  }

  it('answers queries only if not silent', async () => {
    const queries = ['\x1b[c', '\x1b[>c', '\x1b[6n', '\x1b[?6n', '\x1b[?25$p', '\x1bP$qm\x1b\\'];
    for (const query of queries) {
      expect(await answersTo(query, false)).toHaveLength(1);
      expect(await answersTo(query, true)).toEqual([]);
    }
  });

  it('lets focus reports through, which isFocusReport recognizes', async () => {
    const answers = await answersTo('\x1b[?1004h', true);
    expect(answers).toHaveLength(1);
    expect(answers.every(isFocusReport)).toBe(true);
    expect(['\x1b[A', 'I', ''].some(isFocusReport)).toBe(false);
  });
});
