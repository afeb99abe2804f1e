import { expect, it } from 'vitest';
import { LOCAL } from '@/e2e/support/local';
import { answerOf } from '@/lib/answer';
import { createOne } from '@/lib/creation/actions';
import { planKill, planRun, planTimeLeft } from '@/lib/operations/actions';

it('receives metadata with the key __proto__ in every plan', async () => {
  const metadata: [string, string][] = [
    ['__proto__', 'own value'],
    ['owner', 'ana'],
  ];
  const request = { connection: LOCAL, template: 'base', metadata, timeoutMs: 600_000, autoPause: false };
  const created = await answerOf(createOne(request));
  const sandboxKeys = created?.ok ? [created.value.key] : [];
  const plans = [
    planKill({ sandboxKeys }),
    planRun({ sandboxKeys, command: 'true', limitMs: 1_000 }),
    planTimeLeft({ sandboxKeys, addMs: 60_000 }),
  ];
  for (const plan of plans) {
    const answer = await answerOf(plan);
    expect(answer).toMatchObject({ ok: true });
    const [target] = answer?.ok ? answer.value.targets : [];
    expect(Object.entries(target?.metadata ?? {})).toEqual(metadata);
  }
});
