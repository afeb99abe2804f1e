/** The text of a file as an editor holds it, with everything that is needed to write it back unchanged. */
export type EditableText = {
  /** With `\n` line ends, unless the file mixes them: then every `\r` stays. */
  text: string;
  lineEnd: '\n' | '\r\n';
  /** Whether the file begins with a byte order mark. */
  hasMark: boolean;
};

export const MAX_EDIT_BYTES = 1024 * 1024;

const MARK = '\uFEFF';

/** `null` if the bytes are not UTF-8 text, and could therefore not be written back as they were. */
export function readEditable(bytes: Uint8Array): EditableText | null {
  if (bytes.includes(0)) return null;
  let whole: string;
  try {
    whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
  const hasMark = whole.startsWith(MARK);
  const text = hasMark ? whole.slice(MARK.length) : whole;
  const isWindows = text.includes('\r\n') && !/(?:^|[^\r])\n|\r(?!\n)/.test(text);
  return {
    text: isWindows ? text.replaceAll('\r\n', '\n') : text,
    lineEnd: isWindows ? '\r\n' : '\n',
    hasMark,
  };
}

/** The bytes of the file with the text `text`. */
export function writeEditable({ lineEnd, hasMark }: EditableText, text: string): Uint8Array<ArrayBuffer> {
  const ended = lineEnd === '\n' ? text : text.replaceAll('\n', lineEnd);
  return new TextEncoder().encode(`${hasMark ? MARK : ''}${ended}`);
}
