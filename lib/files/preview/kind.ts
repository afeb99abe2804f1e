import { inlineType } from './media/inline-type';
import { detectEncoding } from './text/encoding';

/** The ways in which a file can be shown. `hex` is for everything that is not known to be anything else. */
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

/** Of text alone: an extension never makes bytes that are no text into one. */
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
 * How to show a file, by its name and its first bytes (`isWhole`: it has no more). What an element of a page shows is
 * what the server hands out for it; a file that claims to be two things is shown as text or as bytes.
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
