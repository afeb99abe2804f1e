import { z } from 'zod';
import { idOf, SANDBOX_ID_PATTERN, type SandboxKey } from '../sandbox-key';

export const SandboxId = z
  .string()
  .regex(SANDBOX_ID_PATTERN, 'A sandbox ID is 1 to 64 letters, digits, "-" or "_".');
export type SandboxId = z.infer<typeof SandboxId>;

/**
 * The state reported by the service. `unknown` stands for a state that this version does not know, and for a missing one:
 * such a sandbox is still listed and can be killed.
 */
export const SandboxState = z.enum(['running', 'paused', 'unknown']);
export type SandboxState = z.infer<typeof SandboxState>;

/**
 * Set at creation and never changed (docs/protocol.md#metadata). Keys and values are untrusted text, and a key may be
 * `__proto__`, which assignments, object schemas and React drop: build metadata with `metadataFrom` and send it as `JsonOf` text.
 */
export type Metadata = Record<string, string>;

/**
 * One sandbox. Contains no token: tokens stay in `lib/sandbox-api`. Only the id is certain: a value that the service leaves
 * out or garbles is `null`, the state `unknown`, a text empty.
 */
export type Sandbox = {
  key: SandboxKey;
  /** The part of the key by which the service and people know it. */
  id: SandboxId;
  /** Empty if the service does not report it. */
  templateId: string;
  /** The template's name. `null` if it has none. */
  alias: string | null;
  state: SandboxState;
  metadata: Metadata;
  /** Start of the current or last lifetime, epoch ms. Resuming resets it (docs/protocol.md#timeouts). */
  startedAtMs: number | null;
  /** The first start that Sandkeeper has seen, if it is before `startedAtMs`, epoch ms. The service does not report it. */
  firstStartedAtMs?: number | undefined;
  /** Deadline, epoch ms. Meaningless while paused (docs/protocol.md#paused-sandboxes-in-responses). */
  endAtMs: number | null;
  cpuCount: number | null;
  memoryMB: number | null;
  diskSizeMB: number | null;
  envdVersion: string;
  /** What happens at the deadline, and whether traffic wakes it when it is paused. Absent if the service does not say. */
  lifecycle?: Lifecycle | undefined;
};

/** A sandbox from a record. Those of earlier versions have no key in their text. */
export function storedSandbox(text: string, key: SandboxKey): Sandbox {
  return { ...(JSON.parse(text) as Sandbox), key, id: idOf(key) };
}

export type Lifecycle = { onTimeout: 'pause' | 'kill'; autoResume: boolean };
