import { writeFileSync } from 'node:fs';

/**
 * Whom the kernel kills first when a sandbox or the machine runs out of memory: the programs of a sandbox, before its agent, before
 * the engine and others. A process inherits the score of its parent.
 */
export const OOM_SCORES = { agent: 400, program: 800 } as const;

export function setOomScore(pid: number, score: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
  } catch {
    // Without permission, the kernel chooses by size.
  }
}
