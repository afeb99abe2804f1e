import { fromJson } from '../../lib/json-of.ts';
import type { Operation, OperationPlan } from '../../lib/operations/schema';
import type { SandboxKey } from '../../lib/sandbox-key';
import { serverAction } from './actions.ts';
import type { Sandkeeper } from './deployment';
import { ask, callAction, cookieOf, resultIn } from './http.ts';
import { localKey, pageOf } from './local.ts';

/** Another person who starts operations through the server actions, without a browser. Takes ids of the local engine. */
export class Colleague {
  readonly #sandkeeper: Sandkeeper;
  readonly #session: string;

  constructor(sandkeeper: Sandkeeper, session: string) {
    this.#sandkeeper = sandkeeper;
    this.#session = session;
  }

  /** Starts a kill of `ids` and returns the operation's id. */
  async kill(ids: readonly string[], reason = '', filter = ''): Promise<string> {
    const plan = await this.planKill(ids);
    return (await this.confirm(plan, reason, filter)).id;
  }

  planKill(ids: readonly string[]): Promise<OperationPlan> {
    return this.planKillOf(ids.map(localKey));
  }

  /** Plans a kill of sandboxes in any connection. */
  planKillOf(sandboxKeys: readonly SandboxKey[]): Promise<OperationPlan> {
    return this.#call('planKill', { sandboxKeys });
  }

  /** Starts a planned operation. */
  confirm({ token, mustType }: OperationPlan, reason = '', filter = ''): Promise<Operation> {
    return this.#call('startPlan', { token, typed: mustType ?? '', reason, filter });
  }

  /** Starts a pause of `ids` and returns the operation's id. */
  async pause(ids: readonly string[]): Promise<string> {
    const input = { act: 'pause', sandboxKeys: ids.map(localKey), filter: '' };
    return (await this.#call<{ operation: { id: string } }>('operate', input)).operation.id;
  }

  /** Resumes `ids` with a timeout that pauses them and returns the operation's id. */
  async resume(ids: readonly string[], timeoutMs: number): Promise<string> {
    const input = { act: 'resume', sandboxKeys: ids.map(localKey), filter: '', timeoutMs, autoPause: true };
    return (await this.#call<{ operation: { id: string } }>('operate', input)).operation.id;
  }

  /** Moves the deadlines of `ids` by a plan, which may shorten them, and returns the operation's id. */
  async setTimeLeft(ids: readonly string[], timeoutMs: number): Promise<string> {
    const { token } = await this.#call<OperationPlan>('planTimeLeft', {
      sandboxKeys: ids.map(localKey),
      timeoutMs,
    });
    return (await this.#call<{ id: string }>('startTimeLeft', { token, reason: '', filter: '' })).id;
  }

  /** Opens a console in a sandbox and returns the console's id. */
  openConsole(id: string): Promise<string> {
    const input = { sandboxKey: localKey(id), user: null, cwd: null, size: { cols: 120, rows: 40 } };
    return this.#call('openConsole', input, `${pageOf(id)}/console`);
  }

  /** Starts a command in a sandbox and returns the operation's id. */
  async run(id: string, command: string, limitMs = 60_000): Promise<string> {
    const input = { sandboxKey: localKey(id), command, limitMs };
    const path = `${pageOf(id)}/run`;
    return (await this.#call<{ operation: { id: string } }>('runCommand', input, path)).operation.id;
  }

  /** Runs a command, waits until it has ended and returns the operation's id. */
  async runToEnd(id: string, command: string): Promise<string> {
    const operationId = await this.run(id, command);
    const headers = cookieOf(this.#sandkeeper, this.#session);
    for (;;) {
      const { text } = await ask(this.#sandkeeper, `/api/operations/${operationId}`, { headers });
      if (JSON.parse(text).operation.state === 'finished') return operationId;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop(operationId: string): Promise<void> {
    await this.#call('cancelOperation', { operationId });
  }

  async #call<T>(action: string, argument: object, path = '/sandboxes'): Promise<T> {
    const answer = await callAction(this.#sandkeeper, serverAction(action), {
      path,
      args: [argument],
      headers: cookieOf(this.#sandkeeper, this.#session),
    });
    const result = resultIn<T>(answer);
    if (!result?.ok) throw new Error(`${action} failed: ${answer.status} ${answer.text}`);
    return fromJson(result.value);
  }
}
