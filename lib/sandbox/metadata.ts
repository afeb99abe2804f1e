import type { Metadata } from './schema';

/**
 * Metadata from pairs of key and value. Every key becomes an own property: an assignment would drop `__proto__`. The result
 * is a plain object, because objects without a prototype cannot be passed to a client component.
 */
export function metadataFrom(pairs: Iterable<readonly [string, string]>): Metadata {
  // Defines properties instead of assigning them.
  return Object.fromEntries(pairs);
}

/** The text of a value. A deeply nested one has no JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** Metadata from an untrusted value. Values that are not text are kept as their JSON; anything but an object is empty. */
export function ownMetadata(value: unknown): Metadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return metadataFrom(Object.entries(value).map(([key, one]) => [key, textOf(one)]));
}
