import { z } from 'zod';
import { SANDBOX_ID_PATTERN } from './limits';

export const SandboxId = z
  .string()
  .regex(SANDBOX_ID_PATTERN, 'A sandbox id is 1 to 64 letters, digits, "-" or "_".');
export type SandboxId = z.infer<typeof SandboxId>;

/**
 * The state reported by the service. `unknown` stands for a state that this version does not know, and for a missing one:
 * such a sandbox is still listed and can be killed.
 */
export const SandboxState = z.enum(['running', 'paused', 'unknown']);
export type SandboxState = z.infer<typeof SandboxState>;

/** Set at creation and never changed (docs/protocol.md#metadata). Keys and values are untrusted text. */
export const Metadata = z.record(z.string(), z.string());
export type Metadata = z.infer<typeof Metadata>;

/**
 * One sandbox. Contains no token: tokens stay in `lib/sandbox-api`. Only the id is certain: a value that the service leaves
 * out or garbles is `null`, the state `unknown`, a text empty.
 */
export const Sandbox = z.object({
  id: SandboxId,
  /** Empty if the service does not report it. */
  templateId: z.string(),
  /** The template's name. `null` if it has none. */
  alias: z.string().nullable(),
  state: SandboxState,
  metadata: Metadata,
  /** Start of the current or last lifetime, epoch ms. Resuming resets it (docs/protocol.md#timeouts). */
  startedAtMs: z.number().nullable(),
  /** The first start that Sandkeeper has seen, if it is before `startedAtMs`, epoch ms. The service does not report it. */
  firstStartedAtMs: z.number().optional(),
  /** Deadline, epoch ms. Meaningless while paused (docs/protocol.md#paused-sandboxes-in-responses). */
  endAtMs: z.number().nullable(),
  cpuCount: z.number().nullable(),
  memoryMB: z.number().nullable(),
  diskSizeMB: z.number().nullable(),
  envdVersion: z.string(),
});
export type Sandbox = z.infer<typeof Sandbox>;
