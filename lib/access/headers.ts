import 'server-only';
import { randomBytes } from 'node:crypto';

/** A fresh value for one answer's `Content-Security-Policy`. */
export function newNonce(): string {
  return randomBytes(16).toString('base64');
}

/**
 * The policy of every answer. Scripts run only with this answer's nonce, or loaded by one that had it. Styles may be
 * inline: positioned popups and virtual rows set them. `host` is the request's, already checked to be ours.
 */
export function contentSecurityPolicy({
  nonce,
  host,
  dev,
}: {
  nonce: string;
  host: string;
  dev: boolean;
}): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${dev ? " 'unsafe-eval'" : ''}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    // Not every browser takes 'self' to cover WebSockets.
    `connect-src 'self' ws://${host} wss://${host}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Headers that every answer carries, whoever produced it. */
export function securityHeaders({ https }: { https: boolean }): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // Not 'no-referrer': with that, a browser sends `Origin: null` with a form that no script submits.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    ...(https ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
