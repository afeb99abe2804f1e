import { Terminal } from '@xterm/xterm';
import { describe, expect, it } from 'vitest';
import { guardParser, isFocusReport, plainPaste, plainTitle, saysWhere, webAddress } from './hostile';

describe('a title', () => {
  it('is one short line of text that reads in its own direction', () => {
    expect(plainTitle('user@host: ~')).toBe('user@host: ~');
    expect(plainTitle('a\u202Eb\u0007c\nd\u2028e\u200Ff')).toBe('abcdef');
    expect([...plainTitle('😀'.repeat(500))]).toHaveLength(80);
  });
});

describe('a paste', () => {
  it('is text and its lines, so that it cannot end its own bracket', () => {
    expect(plainPaste('a\r\nb\rc\td')).toBe('a\nb\nc\td');
    expect(plainPaste('safe\x1b[201~\nrm -rf /\x00\x9b')).toBe('safe[201~\nrm -rf /');
  });
});

describe('a link', () => {
  it('leads to the web or nowhere', () => {
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

  it('is followed at once only where its text is its address', () => {
    const says = (text: string, uri: string) => saysWhere(text, webAddress(uri) ?? 'about:blank');
    expect(says('https://example.com', 'https://example.com')).toBe(true);
    expect(says('https://example.com/x', 'https://example.com/x')).toBe(true);
    expect(says('https://bank.example', 'https://evil.example')).toBe(false);
    expect(says('click here', 'https://evil.example')).toBe(false);
    // The same letters to the eye.
    expect(says('https://bаnk.example', 'https://bаnk.example')).toBe(false);
    expect(says('https://bank.example@evil.example/', 'https://bank.example@evil.example/')).toBe(false);
  });
});

describe('output', () => {
  /** What a terminal types by itself when that is written to it. */
  async function answersTo(output: string, isSilent: boolean): Promise<string[]> {
    const terminal = new Terminal({ allowProposedApi: true });
    guardParser(terminal.parser, () => isSilent);
    const answers: string[] = [];
    terminal.onData((text) => answers.push(text));
    await new Promise<void>((resolve) => terminal.write(output, resolve));
    terminal.dispose();
    return answers;
  }

  it('that asks something is answered only where that is wanted', async () => {
    const questions = ['\x1b[c', '\x1b[>c', '\x1b[6n', '\x1b[?6n', '\x1b[?25$p', '\x1bP$qm\x1b\\'];
    for (const question of questions) {
      expect(await answersTo(question, false)).toHaveLength(1);
      expect(await answersTo(question, true)).toEqual([]);
    }
  });

  it('that asks for news of the focus gets them at once, and they are known as such', async () => {
    const answers = await answersTo('\x1b[?1004h', true);
    expect(answers).toHaveLength(1);
    expect(answers.every(isFocusReport)).toBe(true);
    expect(['\x1b[A', 'I', ''].some(isFocusReport)).toBe(false);
  });
});
