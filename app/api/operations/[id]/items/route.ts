import { guardRead } from '@/lib/access/guard';
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
import { inOperation } from '@/lib/operations/record/store';
import { responseOf } from '@/lib/result';
import { roleSuffices } from '@/lib/roles';

/** Makes spreadsheets read the file as UTF-8. */
const BYTE_ORDER_MARK = { csv: '\uFEFF', json: '' } as const;

/**
 * Downloads the results of an operation, `?format=csv` or `?format=json`. Role: viewer. The output of commands is
 * included only for operators.
 */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/operations/[id]/items'>,
): Promise<Response> {
  return responseOf(async () => {
    const { role, grants } = await guardRead('viewer', inOperation(params));
    const format = parseRecordFormat(new URL(request.url).searchParams.get('format'));
    if (format === null) throw new SandkeeperError('invalid', 'Set format=csv or format=json.');
    const { operation, items } = await recordOf((await params).id, grants);
    // Viewers must not see the output of commands, which comes from inside a sandbox.
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

/** Streams chunks as the client reads them, so that the whole text is never in memory. */
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
