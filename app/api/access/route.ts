import { z } from 'zod';
import { parseAccessSearch } from '@/lib/access/access-filter';
import { listAccess } from '@/lib/access/audit';
import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { ANYWHERE } from '@/lib/grants';
import { ACCESS_FORMATS, accessFileParts } from '@/lib/operations/record/access-file';
import { responseOf } from '@/lib/result';

const CHUNK_ROWS = 1_000;
const Format = z.enum(ACCESS_FORMATS, 'Set format=csv or format=jsonl.');

const CONTENT_TYPES = { csv: 'text/csv; charset=utf-8', jsonl: 'application/jsonl; charset=utf-8' } as const;

/** Downloads the access log, newest first, with the filters of its page: `?format=csv`, the default, or `jsonl`. Role: viewer. */
export function GET(request: Request): Promise<Response> {
  return responseOf(async () => {
    const { grants } = await guardRead('viewer', ANYWHERE);
    const parameters = new URL(request.url).searchParams;
    const format = parseInput(Format, parameters.get('format') ?? 'csv');
    const nowMs = Date.now();
    const search = { ...parseAccessSearch((name) => parameters.get(name) ?? undefined), before: null };
    const parts = accessFileParts(
      (before) => listAccess({ ...search, before }, grants, nowMs, CHUNK_ROWS),
      format,
    );
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
    });
    const day = new Date(nowMs).toISOString().slice(0, 10);
    return new Response(body, {
      headers: {
        'content-type': CONTENT_TYPES[format],
        'content-disposition': `attachment; filename="access-${day}.${format}"`,
        'cache-control': 'no-store',
      },
    });
  });
}
