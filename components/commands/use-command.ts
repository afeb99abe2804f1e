'use client';

import { useEffect, useState } from 'react';
import {
  type CommandEvent,
  type CommandRecord,
  NO_OUTPUT,
  type OutputText,
  runKey,
  withPiece,
} from '@/lib/commands/schema';
import { liveSocket } from '@/lib/live/socket';
import type { Outcome } from '@/lib/operations/schema';
import type { SandboxKey } from '@/lib/sandbox-key';

export type LiveCommand = {
  /** `joining`: no event yet; `waiting`: it has not started, or runs in another Sandkeeper process. */
  phase: 'joining' | 'waiting' | 'running' | 'ended' | 'refused';
  startedAtMs: number | null;
  stdout: OutputText;
  stderr: OutputText;
  run: CommandRecord | null;
  outcome: Outcome | null;
  message: string | null;
  /** Why nothing arrives now, although it runs. */
  interruption: string | null;
};

const JOINING: LiveCommand = {
  phase: 'joining',
  startedAtMs: null,
  stdout: NO_OUTPUT,
  stderr: NO_OUTPUT,
  run: null,
  outcome: null,
  message: null,
  interruption: null,
};

export type HeldOutput = {
  /** Whether the server has answered. */
  isJoined: boolean;
  stdout: OutputText;
  stderr: OutputText;
  /** Why it is no longer followed; `null` while it is. */
  ending: string | null;
};

/** Follows output that others hold open after the end of the shell. Leaves it when unmounted. */
export function useHeldOutput(operationId: string, sandboxKey: SandboxKey): HeldOutput {
  const { stdout, stderr, phase, message } = useOutput('held', runKey(operationId, sandboxKey));
  return { isJoined: phase !== 'joining', stdout, stderr, ending: phase === 'refused' ? message : null };
}

/** Follows a command to its end. Mount it with a key per command. */
export function useCommand(operationId: string, sandboxKey: SandboxKey): LiveCommand {
  return useOutput('run', runKey(operationId, sandboxKey));
}

function useOutput(channel: 'run' | 'held', key: string): LiveCommand {
  const [now, setNow] = useState(JOINING);
  useEffect(() => {
    const leave = liveSocket().subscribe(
      channel,
      {
        onEvent: (payload) => {
          const event = payload as CommandEvent;
          setNow((before) => advance(before, event));
          // Nothing follows, and the whole output would be sent with each reconnect and each poll.
          if (event.kind === 'ended' || event.kind === 'refused' || event.kind === 'released') leave();
        },
        // The server sends the whole output again on reconnect.
        onGap: () => {},
      },
      key,
    );
    return leave;
  }, [channel, key]);
  return now;
}

function advance(before: LiveCommand, event: CommandEvent): LiveCommand {
  switch (event.kind) {
    case 'waiting':
      return { ...before, phase: 'waiting' };
    case 'output': {
      const { startedAtMs, stdout, stderr } = event;
      return { ...before, phase: 'running', startedAtMs, stdout, stderr, interruption: null };
    }
    case 'interrupted':
      return { ...before, interruption: event.message };
    case 'more':
      return {
        ...before,
        stdout: event.stdout ? withPiece(before.stdout, event.stdout) : before.stdout,
        stderr: event.stderr ? withPiece(before.stderr, event.stderr) : before.stderr,
      };
    case 'ended': {
      const { run, outcome, message } = event;
      const { stdout, stderr, startedAtMs } = run ?? before;
      return { phase: 'ended', startedAtMs, stdout, stderr, run, outcome, message, interruption: null };
    }
    case 'released':
    case 'refused':
      return { ...before, phase: 'refused', message: event.message };
  }
}
