import type { PreviewKind } from './kind';

/** The ways in which somebody can look at a file; `details` are the facts about it, which need no bytes. */
export const PREVIEW_VIEWS = [
  'text',
  'rendered',
  'tree',
  'table',
  'image',
  'document',
  'audio',
  'video',
  'cells',
  'hex',
  'details',
] as const;
export type PreviewView = (typeof PREVIEW_VIEWS)[number];

/** Those that make sense for a kind of file; the first is what is shown to whoever has not chosen. */
const VIEWS = {
  text: ['text', 'hex'],
  markdown: ['rendered', 'text', 'hex'],
  json: ['tree', 'text', 'hex'],
  table: ['table', 'text', 'hex'],
  image: ['image', 'hex'],
  svg: ['image', 'text', 'hex'],
  pdf: ['document', 'hex'],
  audio: ['audio', 'hex'],
  video: ['video', 'hex'],
  notebook: ['cells', 'text', 'hex'],
  hex: ['hex', 'text'],
} satisfies Record<PreviewKind, readonly PreviewView[]>;

/** The views offered for a kind of file, the usual one first. */
export function viewsOf(kind: PreviewKind): readonly PreviewView[] {
  return VIEWS[kind];
}

/** The view to show: what was asked for where it makes sense; a line is shown where there are lines. */
export function viewFor(kind: PreviewKind, asked: PreviewView | null, line: number | null): PreviewView {
  const views = viewsOf(kind);
  if (asked === 'details' || (asked !== null && views.includes(asked))) return asked;
  if (line !== null && views.includes('text')) return 'text';
  return views[0] ?? 'hex';
}

const KB = 1024;
const MB = 1024 * KB;

/** How much a view takes in without being told to (`ask`), and the most that a tab can bear (`most`), bytes. */
type Limit = { ask: number; most: number };

/** Text and bytes are read in parts, sound and video by the browser as they play: these have no limit. */
const LIMITS: Readonly<Partial<Record<PreviewView, Limit>>> = {
  rendered: { ask: 256 * KB, most: 2 * MB },
  tree: { ask: 16 * MB, most: 64 * MB },
  table: { ask: 16 * MB, most: 64 * MB },
  cells: { ask: 16 * MB, most: 64 * MB },
  image: { ask: 32 * MB, most: 256 * MB },
  document: { ask: 64 * MB, most: 512 * MB },
};

/** Whether a file of this size is shown at once, only when somebody insists, or not at all. */
export function sizeAllows(view: PreviewView, sizeBytes: number): 'at once' | 'when asked' | 'never' {
  const limit = LIMITS[view];
  if (limit === undefined || sizeBytes <= limit.ask) return 'at once';
  return sizeBytes <= limit.most ? 'when asked' : 'never';
}

/** The most that a view takes in, bytes. */
export function maxBytesOf(view: PreviewView): number {
  return LIMITS[view]?.most ?? Number.POSITIVE_INFINITY;
}
