'use client';

/** The first stop of the keyboard: moves past the header and the filter to the rows of a page, or to its content. */
export function SkipLink() {
  return (
    <button
      type="button"
      onClick={skip}
      className="sr-only z-50 rounded-md bg-raise px-3 py-1.5 font-medium shadow-float focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
    >
      Skip to content
    </button>
  );
}

function skip(): void {
  const main = document.querySelector('main');
  const target = main?.querySelector<HTMLElement>('[role=grid], [role=treegrid]') ?? main;
  if (target === main) main?.setAttribute('tabindex', '-1');
  target?.focus();
}
