import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createCrashGuard } from './crash-guard';
import { inRequestScope } from './request-scope';

test('answers 500 to the request that caused an error, wherever it was thrown', async () => {
  const warnings: string[] = [];
  const guard = createCrashGuard({ warn: (text) => warnings.push(text), giveUp: () => {} });
  const server = createServer((request, response) =>
    inRequestScope(response, () => {
      request.on('end', () => setTimeout(() => guard(new Error('boom')), 1));
      request.resume();
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`);
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ code: 500, message: 'internal error; see the log of the engine' });
  expect(warnings).toEqual([expect.stringContaining('boom')]);
});

test('gives up once when errors come too fast, and not when they are rare', () => {
  const limits = { maxErrors: 3, withinMs: 60_000 };
  let ends = 0;
  const guard = createCrashGuard({ warn: () => {}, giveUp: () => (ends += 1), ...limits });
  guard('first');
  guard('second');
  expect(ends).toBe(0);
  guard('third');
  guard('fourth');
  expect(ends).toBe(1);

  const patient = createCrashGuard({ warn: () => {}, giveUp: () => (ends += 1), ...limits, withinMs: 0 });
  for (let count = 0; count < 10; count += 1) patient('rare');
  expect(ends).toBe(1);
});
