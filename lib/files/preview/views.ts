import type { PreviewKind } from './kind';

/** `details` shows metadata and reads no content. */
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

/** The first is the default. */
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

export function viewsOf(kind: PreviewKind): readonly PreviewView[] {
  return VIEWS[kind];
}

/** The requested view if the kind has it, or else text for a line, or else the default. */
export function viewFor(kind: PreviewKind, requested: PreviewView | null, line: number | null): PreviewView {
  const views = viewsOf(kind);
  if (requested === 'details' || (requested !== null && views.includes(requested))) return requested;
  if (line !== null && views.includes('text')) return 'text';
  return views[0] ?? 'hex';
}

const KB = 1024;
const MB = 1024 * KB;

/** Sizes above which a view needs confirmation or is refused, bytes. */
type Limit = { confirm: number; max: number };

/** Text, hex and media are read in parts, so they have no limit. */
const LIMITS: Readonly<Partial<Record<PreviewView, Limit>>> = {
  rendered: { confirm: 256 * KB, max: 2 * MB },
  tree: { confirm: 16 * MB, max: 64 * MB },
  table: { confirm: 16 * MB, max: 64 * MB },
  cells: { confirm: 16 * MB, max: 64 * MB },
  image: { confirm: 32 * MB, max: 256 * MB },
  document: { confirm: 64 * MB, max: 512 * MB },
};

export function sizeAllows(view: PreviewView, sizeBytes: number): 'yes' | 'confirm' | 'no' {
  const limit = LIMITS[view];
  if (limit === undefined || sizeBytes <= limit.confirm) return 'yes';
  return sizeBytes <= limit.max ? 'confirm' : 'no';
}

export function maxBytesOf(view: PreviewView): number {
  return LIMITS[view]?.max ?? Number.POSITIVE_INFINITY;
}
