import 'server-only';
import type { SandboxKey } from '../sandbox-key';
import { serviceCaller } from './call';
import { type CapabilityFinding, CapabilitySet, describeCapabilities } from './capabilities';
import type { Connection } from './connection';
import { type ControlPlane, controlPlane } from './control';
import { type Envd, envdOpener } from './envd';
import { serviceErrors } from './errors';
import { openSockets } from './http';
import { type EngineRoutes, engineRoutes } from './local-engine';
import { probeCapabilities } from './probe';
import { type ServiceRecords, serviceRecords } from './records';
import { ServiceClock } from './service-clock';

/** Everything that can be done with one connection. Connections share nothing: not sockets, clocks or what was learned. */
export type SandboxApi = ControlPlane &
  EngineRoutes &
  ServiceRecords & {
    connection: Pick<Connection, 'name' | 'kind' | 'apiUrl'>;
    clock: ServiceClock;
    capabilities: CapabilitySet;
    /**
     * Opens the files, processes and terminals of a running sandbox.
     * @throws SandkeeperError `not_found` if the sandbox is gone, `conflict` (`NOT_RUNNING`) if it is not running
     */
    openEnvd(key: SandboxKey): Promise<Envd>;
    /** Learns what the service offers, without changing anything. @throws SandkeeperError if it cannot be reached */
    probe(): Promise<void>;
    /** What the service offers, to read and to copy. */
    describeCapabilities(): { findings: CapabilityFinding[]; text: string; json: string };
    /** Takes no more calls, and closes the sockets once those under way have ended. Open sandboxes stay open. */
    retire(): Promise<void>;
    /** Closes the sockets. Calls that are under way fail. */
    close(): Promise<void>;
  };

type Options = {
  /** The deadline of a short call, ms. Longer ones have a multiple of it. */
  callMs: number;
  /** Whether the local engine is down for a moment. */
  isRestarting?: () => boolean;
};

export function createSandboxApi(
  connection: Connection,
  { callMs, isRestarting = () => false }: Options,
): SandboxApi {
  const capabilities = new CapabilitySet(connection.kind);
  const clock = new ServiceClock();
  const errors = serviceErrors(connection, isRestarting);
  const sockets = openSockets();
  const call = serviceCaller({ connection, callMs, errors, clock, capabilities, sockets: sockets.control });
  const { name, kind, apiUrl } = connection;
  return {
    ...controlPlane(call, connection, capabilities),
    ...engineRoutes(call, capabilities),
    ...serviceRecords(call, connection, capabilities),
    connection: { name, kind, apiUrl },
    clock,
    capabilities,
    openEnvd: envdOpener({ call, connection, errors, capabilities, callMs, sockets: sockets.sandboxes }),
    probe: () => probeCapabilities(call, capabilities, connection),
    describeCapabilities() {
      const findings = capabilities.findings();
      return { findings, ...describeCapabilities({ kind, apiUrl }, findings) };
    },
    retire: sockets.retire,
    close: sockets.close,
  };
}
