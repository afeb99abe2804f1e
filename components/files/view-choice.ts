/** How somebody likes to look at files, kept in a cookie so that the page is served so. */
export type ViewChoice = {
  showsHidden: boolean;
  /** The width of the list; `null`: as the window suggests. */
  listPx: number | null;
  /** Whether long lines of a text go on in the next. */
  wraps: boolean;
};

export const VIEW_COOKIE = 'sandkeeper_files';

const MAX_PX = 4_000;

export function printView({ showsHidden, listPx, wraps }: ViewChoice): string {
  return `${showsHidden ? 'hidden' : ''}.${listPx ?? ''}.${wraps ? 'wrap' : ''}`;
}

/** Reads what `printView` writes; hidden files are shown to whoever has not said otherwise, for reviewers look for them. */
export function parseView(text: string | undefined): ViewChoice {
  const [hidden, width, wrap] = text?.split('.') ?? ['hidden'];
  const px = Number(width);
  return {
    showsHidden: hidden === 'hidden',
    listPx: px > 0 && px <= MAX_PX ? Math.round(px) : null,
    wraps: wrap === 'wrap',
  };
}
