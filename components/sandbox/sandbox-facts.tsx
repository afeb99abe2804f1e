import { useLacking } from '@/components/data/use-fleet';
import { useServiceTime } from '@/components/ui/clock';
import { Fact, FactList } from '@/components/ui/fact-list';
import { LocalTime } from '@/components/ui/local-time';
import { Visible } from '@/components/ui/visible-text';
import { STATE_FACTS } from '@/lib/fleet/states';
import { firstStartOf, templateName } from '@/lib/sandbox/name';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';
import { formatMemory } from './size';
import { SandboxAge, SandboxTimeLeft } from './time-left';

/** Stands for a value that the service does not report. */
const UNKNOWN = 'Unknown';

type Props = {
  sandbox: Sandbox;
  /** On the clock of its service, which is `aheadMs` ahead of Sandkeeper's. */
  nowMs: number;
  aheadMs: number;
};

/** Everything that the service reports about a sandbox. */
export function SandboxFacts({ sandbox, nowMs, aheadMs }: Props) {
  const { hasDeadline } = STATE_FACTS[sandbox.state];
  const name = templateName(sandbox);
  const { keepsMemory } = useLacking(connectionOf(sandbox.key));
  return (
    <FactList title="Overview">
      <Fact name="Template">
        <Visible text={name} />
        {name === sandbox.templateId || sandbox.templateId === '' ? null : (
          <Visible text={sandbox.templateId} className="ml-2 font-mono text-ink-3 text-small" />
        )}
      </Fact>
      <Fact name="Started">
        <ServiceTime sandbox={sandbox} ms={sandbox.startedAtMs} aheadMs={aheadMs} />
      </Fact>
      {hasDeadline ? (
        <Fact name="Up for" hint="Since the last start or resume.">
          <SandboxAge sandbox={sandbox} sinceMs={sandbox.startedAtMs} nowMs={nowMs} />
        </Fact>
      ) : null}
      <Fact
        name="Age"
        hint="Since the first start that Sandkeeper has seen. The service forgets it at a resume, so it may be older."
      >
        <SandboxAge sandbox={sandbox} sinceMs={firstStartOf(sandbox)} nowMs={nowMs} />
      </Fact>
      {hasDeadline ? (
        <>
          <Fact name="Time left">
            <SandboxTimeLeft sandbox={sandbox} nowMs={nowMs} />
          </Fact>
          <Fact name="Deadline" hint={deadlineHint(sandbox)}>
            <ServiceTime sandbox={sandbox} ms={sandbox.endAtMs} aheadMs={aheadMs} />
          </Fact>
        </>
      ) : (
        <Fact
          name="Time left"
          hint={`A paused sandbox has no deadline. It keeps its files ${keepsMemory === undefined ? 'and memory' : 'but not its processes'} until it is resumed or killed.${sandbox.lifecycle?.autoResume ? ' Any traffic to it resumes it.' : ''}`}
        >
          None
        </Fact>
      )}
      <Fact name="CPU">{sandbox.cpuCount === null ? UNKNOWN : `${sandbox.cpuCount} vCPU`}</Fact>
      <Fact name="Memory">{sandbox.memoryMB === null ? UNKNOWN : formatMemory(sandbox.memoryMB)}</Fact>
      <Fact name="Disk">{sandbox.diskSizeMB === null ? UNKNOWN : formatMemory(sandbox.diskSizeMB)}</Fact>
      <Fact name="envd">{sandbox.envdVersion || UNKNOWN}</Fact>
    </FactList>
  );
}

/** A time that the service reports, on Sandkeeper's clock. */
function ServiceTime({ sandbox, ms, aheadMs }: { sandbox: Sandbox; ms: number | null; aheadMs: number }) {
  const ourMs = useServiceTime(connectionOf(sandbox.key), ms ?? 0, aheadMs);
  return ms === null ? UNKNOWN : <LocalTime ms={ourMs} />;
}

function deadlineHint({ lifecycle }: Sandbox): string {
  if (lifecycle === undefined)
    return 'The sandbox is then paused or killed, as chosen when it was created. The service does not report which.';
  if (lifecycle.onTimeout === 'kill') return 'Killed at its deadline.';
  return lifecycle.autoResume
    ? 'Pauses at its deadline. Any traffic to it resumes it.'
    : 'Pauses at its deadline.';
}
