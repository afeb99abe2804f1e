import { expect, it } from 'vitest';
import { formatMemory, formatSize } from './size';

it('formats memory in MB or GB', () => {
  expect([512, 1023, 1024, 1536, 2048, 4000].map(formatMemory)).toEqual([
    '512 MB',
    '1023 MB',
    '1 GB',
    '1.5 GB',
    '2 GB',
    '3.9 GB',
  ]);
  expect(formatSize({ cpuCount: 2, memoryMB: 4096 })).toBe('2 vCPU · 4 GB');
});
