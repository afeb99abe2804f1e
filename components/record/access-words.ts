import type { AccessKind } from '@/lib/access/audit-schema';

/** What each kind of access is called. */
export const ACCESS_WORDS = {
  'file-opened': 'Opened a file',
  'file-downloaded': 'Downloaded a file',
  'archive-downloaded': 'Downloaded an archive',
  'file-uploaded': 'Uploaded a file',
  searched: 'Searched',
  exported: 'Saved files before a kill',
  'review-woken': 'Woke sandbox',
  'review-joined': 'Joined wake',
  'review-left': 'Left wake',
  'review-extended': 'Extended wake',
  'review-paused': 'Paused again',
  'review-ended': 'Wake ended',
  'console-opened': 'Opened a console',
  'console-watched': 'Watched a console',
  'console-taken-over': 'Took over a console',
  'console-closed': 'Ended a console',
  'processes-read': 'Looked at all processes',
  'process-attached': 'Attached to a process',
  'process-signalled': 'Signalled a process',
} satisfies Record<AccessKind, string>;
