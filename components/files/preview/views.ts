import { type ComponentType, lazy } from 'react';
import type { PreviewView } from '@/lib/files/preview/views';
import type { PreviewProps } from './preview-props';

export const VIEW_NAMES = {
  text: 'Text',
  rendered: 'Rendered',
  tree: 'Tree',
  table: 'Table',
  image: 'Image',
  document: 'Document',
  audio: 'Audio',
  video: 'Video',
  cells: 'Cells',
  hex: 'Hex',
  details: 'Details',
} satisfies Record<PreviewView, string>;

/** Loaded on first use. */
export const VIEWS: Readonly<Record<Exclude<PreviewView, 'details'>, ComponentType<PreviewProps>>> = {
  text: lazy(async () => ({ default: (await import('./text/text-view')).TextView })),
  rendered: lazy(async () => ({ default: (await import('./structured/markdown-view')).MarkdownView })),
  tree: lazy(async () => ({ default: (await import('./structured/json-view')).JsonView })),
  table: lazy(async () => ({ default: (await import('./structured/table-view')).TableView })),
  image: lazy(async () => ({ default: (await import('./media/image-view')).ImageView })),
  document: lazy(async () => ({ default: (await import('./media/media-view')).DocumentView })),
  audio: lazy(async () => ({ default: (await import('./media/media-view')).AudioView })),
  video: lazy(async () => ({ default: (await import('./media/media-view')).VideoView })),
  cells: lazy(async () => ({ default: (await import('./structured/notebook-view')).NotebookView })),
  hex: lazy(async () => ({ default: (await import('./text/hex-view')).HexView })),
};
