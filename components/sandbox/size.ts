import type { Sandbox } from '@/lib/sandbox/schema';

const MB_PER_GB = 1024;

/** Formats MB for people: `512 MB`, `2 GB`, `1.5 GB`. */
export function formatMemory(mb: number): string {
  return mb < MB_PER_GB ? `${mb} MB` : `${Number((mb / MB_PER_GB).toFixed(1))} GB`;
}

/** `2 vCPU · 4 GB`. A part that is not known is left out; a dash if none is. */
export function formatSize({ cpuCount, memoryMB }: Pick<Sandbox, 'cpuCount' | 'memoryMB'>): string {
  const parts = [
    ...(cpuCount === null ? [] : [`${cpuCount} vCPU`]),
    ...(memoryMB === null ? [] : [formatMemory(memoryMB)]),
  ];
  return parts.length === 0 ? '–' : parts.join(' · ');
}
