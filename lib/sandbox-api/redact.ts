/** API keys and access tokens of Moru and E2B, whoever they belong to. */
const KEYS = /\b(?:moru|e2b|sk_moru|sk_e2b)_[A-Za-z0-9_]{8,}/gi;
/** A shorter secret would cut ordinary words out of a text. */
const MIN_SECRET_CHARS = 8;
const REDACTED = '…';

/**
 * Removes secrets from text that a service or a sandbox wrote, in any of the forms in which an answer may quote a header
 * (docs/protocol.md#keys-in-error-texts). Call it before the text is cut, stored or logged.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_CHARS) continue;
    for (const form of formsOf(secret)) safe = replaceEvery(safe, form);
  }
  return safe.replace(KEYS, REDACTED);
}

/** The secret itself, in a URL, in JSON, and in base64. */
function formsOf(secret: string): Set<string> {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64]);
}

function replaceEvery(text: string, secret: string): string {
  const pattern = secret.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(pattern, 'gi'), REDACTED);
}
