import type { IncomingHttpHeaders } from 'node:http';

/** The version of a file, as the headers of a response name it. */
export type FileVersion = {
  /** Strong: changes with every change of the file. */
  readonly etag: string;
  readonly modifiedMs: number;
};

type FileStat = { readonly ino: number; readonly sizeBytes: number; readonly modifiedMs: number };

export function versionOf({ ino, sizeBytes, modifiedMs }: FileStat): FileVersion {
  const parts = [ino, sizeBytes, Math.round(modifiedMs * 1000)].map((part) => part.toString(36));
  return { etag: `"${parts.join('-')}"`, modifiedMs };
}

/** The response that the conditions of a `GET` call for (RFC 9110, section 13.2.2). */
export function checkConditions(
  headers: IncomingHttpHeaders,
  version: FileVersion,
): 'send' | 'not-modified' | 'failed' {
  const { 'if-match': match, 'if-unmodified-since': unmodifiedSince } = headers;
  if (match !== undefined) {
    if (!namesTag(match, version.etag, 'strong')) return 'failed';
  } else if (unmodifiedSince !== undefined && isChangedSince(unmodifiedSince, version)) return 'failed';
  const { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince } = headers;
  if (noneMatch !== undefined) return namesTag(noneMatch, version.etag, 'weak') ? 'not-modified' : 'send';
  const isSame = modifiedSince !== undefined && isChangedSince(modifiedSince, version) === false;
  return isSame ? 'not-modified' : 'send';
}

/** Whether `If-Range` permits a part of this version. Otherwise the whole file is sent. */
export function permitsRange(header: string | string[] | undefined, version: FileVersion): boolean {
  if (header === undefined) return true;
  const text = String(header).trim();
  if (text.startsWith('"') || text.startsWith('W/')) return text === version.etag;
  const date = Date.parse(text);
  return !Number.isNaN(date) && toSeconds(date) === toSeconds(version.modifiedMs);
}

function namesTag(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === etag);
}

/** Null for an invalid date, which counts as no condition. */
function isChangedSince(header: string, { modifiedMs }: FileVersion): boolean | null {
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : toSeconds(modifiedMs) > toSeconds(date);
}

/** HTTP dates have whole seconds. */
const toSeconds = (timeMs: number) => Math.floor(timeMs / 1000);
