import type { Faults } from './faults';
import type { Guests } from './guests';
import type { History } from './history';
import type { Tokens } from './ids';
import type { Lifecycle, Limits } from './lifecycle';
import type { LifecycleEvents } from './lifecycle-events';
import type { Lifetimes } from './lifetimes';
import type { SetAside } from './record-files';
import type { Registry } from './registry';
import type { TemplateCatalog } from './template-catalog';

/** The parts of the engine that routes use. */
export type EngineServices = {
  registry: Registry;
  templates: TemplateCatalog;
  lifecycle: Lifecycle;
  guests: Guests;
  history: History;
  lifetimes: Lifetimes;
  events: LifecycleEvents;
  /** Null unless failures may be injected. */
  faults: Faults | null;
  tokens: Tokens;
  limits: Limits;
  setAside: readonly SetAside[];
  dataDir: string;
  /**
   * Parent domain of sandbox hosts, with the port (docs/protocol.md#previews-on-localhost). Valid once the server
   * listens.
   */
  domain(): string;
};
