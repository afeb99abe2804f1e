import { formatSpan } from '@/components/ui/duration';

/** The time limits on offer, ms. */
const LIMITS_MS = [10_000, 60_000, 300_000, 900_000, 3_600_000];

/** For a choice of one; a limit from elsewhere is offered, too. */
export function limitOptions(chosenMs: number): { value: string; label: string }[] {
  const all = LIMITS_MS.includes(chosenMs) ? LIMITS_MS : [...LIMITS_MS, chosenMs].sort((a, b) => a - b);
  return all.map((ms) => ({ value: String(ms), label: `at most ${formatSpan(ms)}` }));
}
