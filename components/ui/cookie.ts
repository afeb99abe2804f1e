const YEAR_S = 365 * 24 * 60 * 60;

/** Keeps a preference where the server sees it at the next page. Nothing secret belongs here. */
export function rememberInCookie(name: string, value: string): void {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser we support.
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR_S}; samesite=strict`;
}
