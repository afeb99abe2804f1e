'use client';

import { useEffect, useRef, useState } from 'react';
import { toast } from '@/components/ui/toast';
import type { Answer } from '@/lib/answer';
import type { Operation, OperationPlan } from '@/lib/operations/schema';

type Options = {
  isOpen: boolean;
  /** Reads the sandboxes and plans the action for those that the dialog shows. */
  plan: () => Promise<Answer<OperationPlan> | null>;
  start: (token: string) => Promise<Answer<Operation> | null>;
  /** Shows the fresh plan. Returns how it differs from what the dialog showed, or `null`: then it starts. */
  onPlanned: (plan: OperationPlan) => string | null;
  onStarted: (operation: Operation) => void;
  onClose: () => void;
  /** What follows an error, such as `Nothing was run.`, and the title of its toast once the dialog is closed. */
  words: { nothing: string; failed: string };
};

/** Starts an action in several sandboxes: plans it on fresh readings, and starts the plan only if it is as shown. */
export function usePlannedStart(options: Options) {
  const { isOpen, plan, start, onPlanned, onStarted, onClose, words } = options;
  const [message, setMessage] = useState<string | null>(null);
  const [isStarting, setIsStarting] = useState(false);
  const isOpenNow = useRef(isOpen);
  useEffect(() => {
    isOpenNow.current = isOpen;
  }, [isOpen]);

  function fail(text: string) {
    setIsStarting(false);
    if (isOpenNow.current) setMessage(text);
    else toast.error(words.failed, { description: text });
  }

  async function run() {
    if (isStarting) return;
    setIsStarting(true);
    setMessage(null);
    const planned = await plan();
    if (!planned?.ok)
      return fail(`${planned?.error.message ?? 'The server could not be reached.'} ${words.nothing}`);
    const change = onPlanned(planned.value);
    if (change !== null) return fail(`${change} ${words.nothing}`);
    // Closing the dialog before the plan arrived is a cancel.
    if (!isOpenNow.current) return setIsStarting(false);
    const started = await start(planned.value.token);
    if (!started?.ok)
      return fail(
        started?.error.message ??
          'The server could not be reached. Check the operations before you try again: it may have started.',
      );
    setIsStarting(false);
    onClose();
    onStarted(started.value);
  }

  return { message, isStarting, run: () => void run() };
}
