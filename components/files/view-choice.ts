/** View preferences, in a cookie so that the server renders them. */
export type ViewChoice = {
  showsHidden: boolean;
  /** `null`: the default width. */
  listPx: number | null;
  wraps: boolean;
};

export const VIEW_COOKIE = 'sandkeeper_files';

const MAX_PX = 4_000;

export function printView({ showsHidden, listPx, wraps }: ViewChoice): string {
  return `${showsHidden ? 'hidden' : ''}.${listPx ?? ''}.${wraps ? 'wrap' : ''}`;
}

/** Parses the output of `printView`. Shows hidden files by default, because they often matter. */
export function parseView(text: string | undefined): ViewChoice {
  const [hidden, width, wrap] = text?.split('.') ?? ['hidden'];
  const px = Number(width);
  return {
    showsHidden: hidden === 'hidden',
    listPx: px > 0 && px <= MAX_PX ? Math.round(px) : null,
    wraps: wrap === 'wrap',
  };
}
