type What = {
  rows: readonly unknown[];
  /** Selected, but hidden by the filter. */
  hidden: number;
};

/** How many are selected, and how many of those are left out: what is announced as it changes. */
export function countWords({ rows, hidden }: What): string {
  if (rows.length === 0 && hidden === 0) return 'Nothing selected';
  const count = `${rows.length} selected`;
  return hidden === 0 ? count : `${count}, ${hiddenWords({ rows, hidden })}`;
}

/** What is left out of every act because the filter hides it. */
export function hiddenWords({ rows, hidden }: What): string {
  return `${hidden} ${rows.length > 0 ? 'more ' : ''}hidden by the filter ${hidden === 1 ? 'is' : 'are'} left out`;
}
