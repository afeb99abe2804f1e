/** Characters without a place on the screen, or that move the text around them. Line feeds and tabs are what they are. */
const ODD = /\r\n|(?![\n\t])(?:\p{Cc}|\p{Bidi_Control})/gu;

/** What a program wrote, so that everything in it is seen and nothing in it can act: by signs and numbers. */
export function visibleOutput(text: string): string {
  return text.replace(ODD, (found) => {
    if (found === '\r\n') return '\n';
    const code = found.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}
