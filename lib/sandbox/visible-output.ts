/** Control characters except line feeds and tabs, and characters that reorder text. */
const ODD = /\r\n|(?![\n\t])(?:\p{Cc}|\p{Bidi_Control})/gu;

/** Untrusted output with control characters replaced by visible signs or code points. */
export function visibleOutput(text: string): string {
  return text.replace(ODD, (found) => {
    if (found === '\r\n') return '\n';
    const code = found.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}
