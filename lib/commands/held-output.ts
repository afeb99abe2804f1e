import 'server-only';
import { SandkeeperError } from '../errors';
import { apiOf } from '../sandbox-api/configured';
import { PROCESS_GONE } from '../sandbox-api/envd-processes';
import { KeptOutput } from './kept-output';
import type { CommandEvent } from './schema';
import { type CommandId, findCommand } from './store';

const PUBLISH_EVERY_MS = 100;
const RELEASED = 'The background process has closed the output.';

/**
 * Follows output that a background process writes after the end of the shell that started it. Publishes what is written
 * from now on until `released`, or until the returned function is called. Nothing of it is recorded.
 */
export function followHeldOutput(id: CommandId, publish: (event: CommandEvent) => void): () => void {
  const leaving = new AbortController();
  const outputs = { stdout: new KeptOutput(), stderr: new KeptOutput() };
  let timer: NodeJS.Timeout | null = null;

  const flush = () => {
    timer = null;
    const [stdout, stderr] = [outputs.stdout.takePending(), outputs.stderr.takePending()];
    if (stdout !== null || stderr !== null)
      publish({ kind: 'more', ...(stdout && { stdout }), ...(stderr && { stderr }) });
  };

  async function follow(): Promise<string> {
    const record = await findCommand(id);
    if (record === null || record.ending !== 'held' || record.pid === null) return RELEASED;
    const envd = await apiOf(id.sandboxKey).openEnvd(id.sandboxKey);
    for await (const event of envd.followProcess(record.pid, leaving.signal)) {
      if (event.kind === 'start') {
        const [stdout, stderr] = [outputs.stdout.text(false), outputs.stderr.text(false)];
        publish({ kind: 'output', startedAtMs: Date.now(), stdout, stderr });
      } else if (event.kind === 'stdout' || event.kind === 'stderr') {
        outputs[event.kind].add(event.bytes);
        timer ??= setTimeout(flush, PUBLISH_EVERY_MS);
      }
    }
    return RELEASED;
  }

  void follow()
    .catch((thrown) => {
      const error = SandkeeperError.from(thrown);
      return error.problem === PROCESS_GONE ? RELEASED : error.message;
    })
    .then((message) => {
      if (timer !== null) clearTimeout(timer);
      if (leaving.signal.aborted) return;
      flush();
      publish({ kind: 'released', message });
    });
  return () => {
    if (timer !== null) clearTimeout(timer);
    leaving.abort();
  };
}
