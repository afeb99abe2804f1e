/** What the record of access keeps an eye on. Runs anywhere. */
export const ACCESS_KINDS = [
  'file-opened',
  'file-downloaded',
  'archive-downloaded',
  'file-uploaded',
  'searched',
  'exported',
  'review-woken',
  'review-joined',
  'review-left',
  'review-extended',
  'review-paused',
  'review-ended',
  'console-opened',
  'console-watched',
  'console-taken-over',
  'console-closed',
  'processes-read',
  'process-attached',
  'process-signalled',
] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];

/** One line of the record. */
export type AccessEntry = {
  id: string;
  atMs: number;
  /** `null`: Sandkeeper by itself, as when nobody was looking any more. */
  actor: string | null;
  kind: AccessKind;
  sandboxId: string;
  /** Where in the sandbox, as the sandbox names it: hostile text. */
  path: string | null;
  /** For people: how much, what for, why. */
  detail: string | null;
};

/** The kind in `text`, or `null`: for what comes back from the database or stands in an address. */
export function parseAccessKind(text: string | null): AccessKind | null {
  return ACCESS_KINDS.find((kind) => kind === text) ?? null;
}
