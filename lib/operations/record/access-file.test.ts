import { expect, it } from 'vitest';
import type { AccessEntry } from '../../access/audit-schema';
import { accessFileParts } from './access-file';

const entry = (at: number, changes: Partial<AccessEntry> = {}): AccessEntry => ({
  id: `e${at}`,
  atMs: Date.UTC(2026, 0, 15) - at,
  actorId: 'user-ana',
  address: '10.0.0.7',
  userAgent: null,
  sessionId: null,
  requestId: null,
  actor: 'ana',
  kind: 'file-opened',
  connection: 'prod-eu',
  sandboxKey: 'prod-eu/i1',
  path: '/a',
  detail: null,
  request: null,
  ...changes,
});

it('writes every page of the log, with hostile text as text', async () => {
  const facts = { address: null, userAgent: 'Firefox', sessionId: '0123abcdef', requestId: 'r1' };
  const pages = [
    [
      entry(0),
      entry(1, { actor: null, kind: 'exported', request: 'kill-1', detail: '3 entries, 99 bytes', ...facts }),
    ],
    [entry(2, { path: '=HYPERLINK("x")' })],
  ];
  const asked: (string | null)[] = [];
  const parts: string[] = [];
  for await (const part of accessFileParts(async (before) => {
    asked.push(before?.id ?? null);
    const entries = pages[asked.length - 1] ?? [];
    return { entries, older: asked.length < pages.length ? { atMs: 0, id: `after ${asked.length}` } : null };
  }))
    parts.push(part);
  expect(asked).toEqual([null, 'after 1']);
  expect(parts.join('').split('\r\n')).toEqual([
    '\uFEFFat,person,action,connection,sandbox,path,details,operation,address,browser,session,request',
    '2026-01-15T00:00:00.000Z,ana,file-opened,prod-eu,i1,/a,,,10.0.0.7,,,',
    '2026-01-14T23:59:59.999Z,,exported,prod-eu,i1,/a,"3 entries, 99 bytes",kill-1,,Firefox,0123abcd,r1',
    '2026-01-14T23:59:59.998Z,ana,file-opened,prod-eu,i1,"\'=HYPERLINK(""x"")",,,10.0.0.7,,,',
    '',
  ]);
});

it('writes lines of JSON, with the beginning of a session alone', async () => {
  const parts: string[] = [];
  const page = { entries: [entry(0, { sessionId: '0123abcdef', path: 'a\nb' }), entry(1)], older: null };
  for await (const part of accessFileParts(async () => page, 'jsonl')) parts.push(part);
  const lines = parts.join('').split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[2]).toBe('');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    at: '2026-01-15T00:00:00.000Z',
    actor: 'ana',
    path: 'a\nb',
    session: '0123abcd',
  });
  expect(parts.join('')).not.toContain('0123abcdef');
});
