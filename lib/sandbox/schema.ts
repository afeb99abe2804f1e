import { z } from 'zod';
import { SANDBOX_ID_PATTERN } from './limits';

export const SandboxId = z
  .string()
  .regex(SANDBOX_ID_PATTERN, 'A sandbox id is 1 to 64 letters, digits, "-" or "_".');
export type SandboxId = z.infer<typeof SandboxId>;

/**
 * What the upstream says a sandbox is doing. Moru knows two states; `unknown` stands for one this version has not
 * learnt, so that such a sandbox is still listed and can still be killed, rather than disappearing.
 */
export const SandboxState = z.enum(['running', 'paused', 'unknown']);
export type SandboxState = z.infer<typeof SandboxState>;

/**
 * Set at creation, never changed by the API (docs/protocol.md#metadata). Keys and values are text written by others:
 * hostile.
 */
export const Metadata = z.record(z.string(), z.string());
export type Metadata = z.infer<typeof Metadata>;

/** One sandbox as the whole house knows it. It carries no token: those stay behind the gateway. */
export const Sandbox = z.object({
  id: SandboxId,
  templateId: z.string(),
  /** The template's name, where the service has one. */
  alias: z.string().nullable(),
  state: SandboxState,
  metadata: Metadata,
  /** Start of the current or last run, epoch ms. Resuming resets it (docs/protocol.md#timeouts). */
  startedAtMs: z.number(),
  /** Deadline, epoch ms. Says nothing while paused (docs/protocol.md#paused-sandboxes-in-responses). */
  endAtMs: z.number(),
  cpuCount: z.number(),
  memoryMB: z.number(),
  diskSizeMB: z.number(),
  envdVersion: z.string(),
});
export type Sandbox = z.infer<typeof Sandbox>;
