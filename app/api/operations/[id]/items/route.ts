import { guardRead } from '@/lib/access/guard';
import { roleSuffices } from '@/lib/access/roles';
import { commandFileParts } from '@/lib/commands/command-file';
import { readCommands } from '@/lib/commands/store';
import { SandkeeperError } from '@/lib/errors';
import { recordOf } from '@/lib/operations/record/record';
import {
  parseRecordFormat,
  RECORD_CONTENT_TYPES,
  recordFileName,
  recordParts,
} from '@/lib/operations/record/record-file';
import { responseOf } from '@/lib/result';

/** Without it, spreadsheets take the text for some older encoding. */
const BYTE_ORDER_MARK = { csv: '\uFEFF', json: '' } as const;

/** The results of one operation as a file to keep, `?format=csv` or `?format=json`. Operators get what commands wrote, too. Role: viewer. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/operations/[id]/items'>,
): Promise<Response> {
  return responseOf(async () => {
    const { role } = await guardRead('viewer');
    const format = parseRecordFormat(new URL(request.url).searchParams.get('format'));
    if (format === null) throw new SandkeeperError('invalid', 'Say format=csv or format=json.');
    const { operation, items } = await recordOf((await params).id);
    // What a command wrote is the inside of a sandbox, which viewers do not see.
    const withOutput = operation.act === 'run' && roleSuffices(role, 'operator');
    const parts = withOutput
      ? commandFileParts(format, operation, items, (ids) => readCommands(operation.id, ids))
      : recordParts(format, operation, items);
    return new Response(streamOf(parts, BYTE_ORDER_MARK[format]), {
      headers: {
        'content-type': RECORD_CONTENT_TYPES[format],
        'content-disposition': `attachment; filename="${recordFileName(format, operation)}"`,
        'cache-control': 'no-store',
      },
    });
  });
}

/** Part after part as the other side takes them, so that the whole text never stands in memory. */
function streamOf(
  parts: Iterator<string> | AsyncIterator<string>,
  before: string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(before)),
    async pull(controller) {
      const { value, done } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}
