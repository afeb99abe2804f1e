import 'server-only';
import { randomBytes } from 'node:crypto';

/** A new nonce for the `Content-Security-Policy` of one response. */
export function newNonce(): string {
  return randomBytes(16).toString('base64');
}

/**
 * The policy of every response. Only scripts with the nonce, and scripts they load, run. Inline styles are allowed,
 * because popups and virtual rows set them. `host` is the validated `Host` of the request.
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
    // In some browsers 'self' does not cover WebSockets.
    `connect-src 'self' ws://${host} wss://${host}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The security headers of every response. */
export function securityHeaders({ https }: { https: boolean }): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // With 'no-referrer', browsers send `Origin: null` for forms submitted without a script.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    ...(https ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
