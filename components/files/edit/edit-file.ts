import { ApiFailure, apiFailureIn, fetchApi } from '@/lib/api-client';
import { fileAddresses } from '@/lib/files/addresses';
import { type EditableText, MAX_EDIT_BYTES, readEditable } from '@/lib/files/edit/editable-text';
import type { Entry } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';

/** Reads a file for editing. Throws `ApiFailure` if it cannot be edited. */
export async function readForEdit(
  sandboxKey: SandboxKey,
  path: string,
  signal: AbortSignal,
): Promise<{ base: EditableText; etag: string }> {
  const response = await fetchApi(fileAddresses.content(sandboxKey, path, 'preview'), signal);
  const etag = response.headers.get('etag') ?? '';
  if (Number(response.headers.get('content-length') ?? 0) > MAX_EDIT_BYTES) {
    await response.body?.cancel();
    throw new ApiFailure('invalid', 'Only files up to 1 MB can be edited. Download it instead.');
  }
  const base = readEditable(new Uint8Array(await response.arrayBuffer()));
  if (base === null) throw new ApiFailure('invalid', 'Only UTF-8 text can be edited. Download it instead.');
  return { base, etag };
}

/**
 * Writes an edited file and returns its entry. `etag`: of the version it may replace; `null`: any.
 * Throws `ApiFailure`, with the code `conflict` and without a problem if there is another version.
 */
export async function saveEdit(
  sandboxKey: SandboxKey,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  etag: string | null,
): Promise<Entry> {
  let response: Response;
  try {
    response = await fetch(fileAddresses.edit(sandboxKey, path), {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', ...(etag === null ? {} : { 'if-match': etag }) },
      body: bytes,
    });
  } catch {
    throw new ApiFailure('unreachable', 'Sandkeeper could not be reached. Your text is kept. Try again.');
  }
  if (!response.ok) throw apiFailureIn(response.status, await response.text().catch(() => ''));
  return response.json();
}

/** Whether the file was changed or deleted by somebody else. */
export function isConflict(failure: ApiFailure): boolean {
  return failure.code === 'conflict' && failure.problem === null;
}
