import { inlineType } from './media/inline-type';
import { detectEncoding } from './text/encoding';

/** `hex` is the fallback. */
export type PreviewKind =
  | 'text'
  | 'markdown'
  | 'json'
  | 'table'
  | 'image'
  | 'svg'
  | 'pdf'
  | 'audio'
  | 'video'
  | 'notebook'
  | 'hex';

/** Only for text: an extension never turns binary data into text. */
const TEXT_KINDS: Readonly<Record<string, PreviewKind>> = {
  md: 'markdown',
  markdown: 'markdown',
  json: 'json',
  geojson: 'json',
  jsonl: 'json',
  ndjson: 'json',
  csv: 'table',
  tsv: 'table',
  ipynb: 'notebook',
};

/**
 * The kind of a file by its name and first bytes (`isWhole`: all of them). Agrees with the types that the server sends. A
 * file whose name and bytes disagree is text or hex.
 */
export function previewKindOf(name: string, bytes: Uint8Array, isWhole: boolean): PreviewKind {
  if (inlineType('pdf', name, bytes) !== null) return 'pdf';
  const image = inlineType('image', name, bytes);
  if (image !== null) return image === 'image/svg+xml' ? 'svg' : 'image';
  const media = inlineType('media', name, bytes);
  if (media !== null) return media.startsWith('audio/') ? 'audio' : 'video';
  if (detectEncoding(bytes, { isWhole }) === null) return 'hex';
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(TEXT_KINDS, extension) ? (TEXT_KINDS[extension] ?? 'text') : 'text';
}
