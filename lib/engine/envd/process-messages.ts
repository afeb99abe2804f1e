import { z } from 'zod';
import { stringMap } from '../string-map';
import { bytes, enumOf, message, presentUint32, text, uint32 } from './messages';

/** Messages of the package `process` (docs/protocol.md#envd-process-messages), in proto3 JSON form. */

/** The kernel ends a string at NUL. */
const hasNoNul = (value: string) => !value.includes('\0');
const plain = text.refine(hasNoNul, 'must not contain a NUL character');
const problemOfName = (name: string) =>
  /^[^=\0]+$/.test(name) ? undefined : 'expected the name of a variable';
const problemOfValue = (value: string) => (hasNoNul(value) ? undefined : 'must not contain a NUL character');

const Size = message({ cols: uint32, rows: uint32 });
const Pty = message({ size: Size.optional() });

const ProcessConfig = message({
  cmd: plain,
  args: z.array(plain).default([]),
  envs: stringMap({ name: problemOfName, value: problemOfValue }).default({}),
  cwd: plain.optional(),
});

export const ProcessSelector = message({ pid: presentUint32.optional(), tag: z.string().optional() });
export type ProcessSelector = z.output<typeof ProcessSelector>;

const ProcessInput = message({ stdin: bytes.optional(), pty: bytes.optional() });
export type ProcessInput = z.output<typeof ProcessInput>;

export const ListRequest = message({});

export const StartRequest = message({
  process: ProcessConfig,
  pty: Pty.optional(),
  tag: z.string().max(1_024).optional(),
  stdin: z.boolean().optional(),
});
export type StartRequest = z.output<typeof StartRequest>;

export const ConnectRequest = message({ process: ProcessSelector });
export const UpdateRequest = message({ process: ProcessSelector, pty: Pty.optional() });
export const SendInputRequest = message({ process: ProcessSelector, input: ProcessInput });

export const StreamInputRequest = message({
  start: message({ process: ProcessSelector }).optional(),
  data: message({ input: ProcessInput }).optional(),
  keepalive: z.unknown().optional(),
});

export const SendSignalRequest = message({
  process: ProcessSelector,
  signal: enumOf({ SIGNAL_UNSPECIFIED: 0, SIGNAL_SIGTERM: 15, SIGNAL_SIGKILL: 9 }).default(
    'SIGNAL_UNSPECIFIED',
  ),
});

export const CloseStdinRequest = message({ process: ProcessSelector });
