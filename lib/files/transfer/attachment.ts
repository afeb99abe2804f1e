/**
 * The value of `Content-Disposition` for a file of this name (RFC 6266): plain ASCII for old clients, and the name itself
 * in UTF-8 (RFC 8187). Characters that would hide or reorder parts of it, or lead into another folder, become `_`.
 */
export function dispositionOf(kind: 'attachment' | 'inline', name: string): string {
  const safe = safeFileName(name);
  const ascii = safe.replace(/[^\x20-\x7e]|["%\\]/g, '_');
  const encoded = encodeURIComponent(safe).replace(/['()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

// Controls, marks of direction, what breaks lines, and halves of characters.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF/\\]/gu;

/** The name as a file of it may be called elsewhere: one visible name that leads nowhere. */
export function safeFileName(name: string): string {
  const visible = name.replace(UNSAFE, '_');
  return visible === '' || visible === '.' || visible === '..' ? '_' : visible;
}
