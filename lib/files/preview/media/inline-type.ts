import type { ContentUse } from '../../schema';

/** How many bytes decide the type. */
export const HEAD_BYTES = 512;

type Rule = { type: string; extensions: readonly string[]; begins: (head: string) => boolean };

const at = (offset: number, mark: string) => (head: string) => head.startsWith(mark, offset);
const riff = (mark: string) => (head: string) => head.startsWith('RIFF') && head.startsWith(mark, 8);
const isoMedia = at(4, 'ftyp');
const ogg = at(0, 'OggS');
const matroska = at(0, '\x1a\x45\xdf\xa3');

/**
 * The types that an HTML element may show. Both the name and the first bytes must match. No type can run scripts: an SVG
 * could outside `<img>`, which its content security policy and `nosniff` prevent.
 */
const RULES: Readonly<Partial<Record<ContentUse, readonly Rule[]>>> = {
  image: [
    { type: 'image/png', extensions: ['png', 'apng'], begins: at(0, '\x89PNG\r\n\x1a\n') },
    { type: 'image/jpeg', extensions: ['jpg', 'jpeg', 'jfif'], begins: at(0, '\xff\xd8\xff') },
    { type: 'image/gif', extensions: ['gif'], begins: (head) => /^GIF8[79]a/.test(head) },
    { type: 'image/webp', extensions: ['webp'], begins: riff('WEBP') },
    { type: 'image/avif', extensions: ['avif'], begins: isoMedia },
    { type: 'image/bmp', extensions: ['bmp'], begins: at(0, 'BM') },
    { type: 'image/x-icon', extensions: ['ico'], begins: at(0, '\0\0\x01\0') },
    { type: 'image/svg+xml', extensions: ['svg'], begins: beginsAsSvg },
  ],
  media: [
    { type: 'video/mp4', extensions: ['mp4', 'm4v'], begins: isoMedia },
    { type: 'video/quicktime', extensions: ['mov'], begins: isoMedia },
    { type: 'audio/mp4', extensions: ['m4a'], begins: isoMedia },
    { type: 'video/webm', extensions: ['webm'], begins: matroska },
    { type: 'video/x-matroska', extensions: ['mkv'], begins: matroska },
    { type: 'video/ogg', extensions: ['ogv'], begins: ogg },
    { type: 'audio/ogg', extensions: ['ogg', 'oga', 'opus'], begins: ogg },
    // An ID3 tag or the first MPEG audio frame.
    { type: 'audio/mpeg', extensions: ['mp3'], begins: (head) => /^(?:ID3|\xff[\xe2-\xff])/.test(head) },
    { type: 'audio/aac', extensions: ['aac'], begins: (head) => /^\xff[\xf0-\xf9]/.test(head) },
    { type: 'audio/wav', extensions: ['wav'], begins: riff('WAVE') },
    { type: 'audio/flac', extensions: ['flac'], begins: at(0, 'fLaC') },
  ],
  pdf: [{ type: 'application/pdf', extensions: ['pdf'], begins: at(0, '%PDF-') }],
};

/** The media type for this use, or `null` if not allowed. `head`: the first bytes, up to HEAD_BYTES. */
export function inlineType(use: ContentUse, name: string, head: Uint8Array): string | null {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const rule = RULES[use]?.find(({ extensions }) => extensions.includes(extension));
  return rule?.begins(latin1(head)) ? rule.type : null;
}

/** Allowed before the root element of an SVG. */
const BEFORE_SVG: readonly (readonly [begin: string, end: string])[] = [
  ['<?xml', '?>'],
  ['<!--', '-->'],
  ['<!doctype svg', '>'],
];

function beginsAsSvg(head: string): boolean {
  let rest = head.replace(/^\xef\xbb\xbf/, '').toLowerCase();
  for (;;) {
    rest = rest.trimStart();
    const before = BEFORE_SVG.find(([begin]) => rest.startsWith(begin));
    if (!before) return /^<svg[\s>]/.test(rest);
    const end = rest.indexOf(before[1], before[0].length);
    if (end < 0) return false;
    rest = rest.slice(end + before[1].length);
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, HEAD_BYTES));
}
