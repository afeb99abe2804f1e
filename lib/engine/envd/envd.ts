import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DataPlane, Guest, Usage } from '../guests';
import type { GuestRoot } from '../safe-fs/guest-root';
import type { Service } from './rpc';

/** What envd is built with. */
export type EnvdOptions = {
  /** The sandbox's files, made at first use. Called for every request that touches them, so it must be cheap then. */
  prepareRoot(guest: Guest): Promise<GuestRoot>;
  /** Methods of `process.Process`. Where processes cannot run, methods that say so. */
  readonly processes: Service;
  /** Use at this moment, for `GET /metrics`; null where nothing is measured. */
  usage(id: string): Usage | null;
  /** Most bytes that a sandbox may use on disk. Default: its `diskSizeMB`. */
  quotaBytes?(guest: Guest): number;
  /** Serves the sandbox's own ports; false: nothing listens there. Default: nothing ever does. */
  openPort?(guest: Guest, port: number, request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** One line for the operator. */
  warn(message: string): void;
};

/** The data plane: files, filesystem RPC, process RPC and the rest of protocol §3 and §4. */
export class Envd implements DataPlane {
  constructor(private readonly options: EnvdOptions) {}

  async handle(
    _guest: Guest,
    _port: number,
    _request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    this.options.warn('not built yet');
    response.writeHead(501).end();
  }

  /**
   * Ends every request and stream of a sandbox that is paused or killed: streams with `unavailable`, transfers by
   * closing their connection. Resolves when nothing here touches its files any more.
   */
  async closeStreams(_guestId: string): Promise<void> {}

  /** Forgets what is kept about a sandbox that is gone: watchers and measured disk use. */
  forget(_guestId: string): void {}
}
