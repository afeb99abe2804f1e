import { expect, it } from 'vitest';
import { ByteCollector } from './byte-collector';

it('joins chunks of any size without keeping them', () => {
  const collector = new ByteCollector();
  const chunk = Buffer.alloc(1);
  const before = process.memoryUsage();
  for (let at = 0; at < 1_000_000; at += 1) {
    chunk[0] = at % 251;
    collector.add(chunk);
  }
  collector.add(Buffer.alloc(100_000, 7));
  const bytes = collector.bytes();
  expect([collector.size, bytes.length, bytes[999_999], bytes[1_000_000]]).toEqual([
    1_100_000,
    1_100_000,
    999_999 % 251,
    7,
  ]);
  expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024);
});
