import { Button } from '@/components/ui/button';
import { PROCESS_SIGNALS, type ProcessSignal } from '@/lib/processes/schema';

type Props = {
  pid: number;
  /** The reason why the process cannot be signalled; `null` if it can. */
  reason: string | null;
  onSignal: (signal: ProcessSignal) => void;
};

/** The signals that a process can be sent. Each asks for confirmation. */
export function SignalButtons({ pid, reason, onSignal }: Props) {
  return PROCESS_SIGNALS.map((signal) => (
    <Button
      key={signal}
      className="h-7!"
      aria-label={`Send ${signal} to ${pid}…`}
      unavailable={reason}
      onClick={() => onSignal(signal)}
    >
      {signal}…
    </Button>
  ));
}
