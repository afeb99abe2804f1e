const EVERY_INTERFACE: ReadonlySet<string> = new Set(['0.0.0.0', '[::]', '[::ffff:0:0]']);

/** Whether `host` means every interface, in any notation: also `0`, `::0` and `0:0:0:0:0:0:0:0`. */
export function isWildcard(host: string): boolean {
  return EVERY_INTERFACE.has(hostInUrl(host));
}

/** `host` as in a URL: lower-case, IPv6 in brackets, numbers in canonical form. */
export function hostInUrl(host: string): string {
  return new URL(`http://${bracketed(host)}`).hostname;
}

/** An IPv6 address in brackets, as a URL needs it. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
