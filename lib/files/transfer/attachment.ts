/**
 * A `Content-Disposition` value (RFC 6266) with an ASCII fallback and the UTF-8 name (RFC 8187). Unsafe characters become
 * `_`, as in `safeFileName`.
 */
export function dispositionOf(kind: 'attachment' | 'inline', name: string): string {
  const safe = safeFileName(name);
  const ascii = safe.replace(/[^\x20-\x7e]|["%\\]/g, '_');
  const encoded = encodeURIComponent(safe).replace(/['()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

// Controls, line breaks, lone surrogates, directional and zero-width characters, and path separators.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF/\\]/gu;

/** A name that is safe on any machine: no invisible characters and no path separators. */
export function safeFileName(name: string): string {
  const visible = name.replace(UNSAFE, '_');
  return visible === '' || visible === '.' || visible === '..' ? '_' : visible;
}
