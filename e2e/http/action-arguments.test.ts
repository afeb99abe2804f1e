import { serverActions } from '../support/actions';
import { type Answer, ask, cookieOf, resultIn } from '../support/http';
import { expect, test } from './fixtures';

/** Arguments that no page sends. Every action has to refuse them, and the server must not log an error. */

type Body = { body: string; contentType?: string };

const text = (value: unknown): Body => ({ body: JSON.stringify(value) });
const raw = (body: string): Body => ({ body });
/** Arguments that refer to parts of a form, as React sends what is not plain JSON. */
function parts(fields: Record<string, string>, { isCut = false } = {}): Body {
  const sent = Object.entries(fields).map(
    ([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return {
    body: `${sent.join('')}${isCut ? '' : '--x--\r\n'}`,
    contentType: 'multipart/form-data; boundary=x',
  };
}

const KINDS: Record<string, Body> = {
  'an empty body': raw(''),
  'a body that is not JSON': raw('{"a":'),
  null: text(null),
  'a string': text('x'),
  'a number': text(7),
  'an object like an array': text({ length: 1, 0: {} }),
  'an object like a huge array': text({ length: 1e9 }),
  'too many arguments': text([{}, {}, {}]),
  'a thousand arguments': text(Array.from({ length: 1_000 }, () => ({}))),
  'an array in an array': text([[[]]]),
  'a value without its part': text(['$Q1']),
  'a map': parts({ 0: '["$Q1"]', 1: '[["sandboxKey","x"]]' }),
  'a map that is none': parts({ 0: '["$Q1"]', 1: '7' }),
  'a set': parts({ 0: '["$W1"]', 1: '["x"]' }),
  'a form': parts({ 0: '["$K1"]', _1_token: 'x' }),
  'a form twice': parts({ 0: '["$K1","$K1","$K1"]', _1_token: 'x' }),
  'a cycle': parts({ 0: '["$1"]', 1: '{"self":"$1","sandboxKeys":"$1"}' }),
  'itself as an argument': text(['$0']),
  'itself as a property': text([{ sandboxKeys: '$0:0' }]),
  'a path to a prototype': text(['$0:__proto__:constructor']),
  'a path to a constructor': parts({ 0: '["$1:constructor:constructor"]', 1: '{}' }),
  'a deep array': raw(`${'['.repeat(200_000)}${']'.repeat(200_000)}`),
  'a deep object': raw(`[${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}]`),
  'a huge body': text(['x'.repeat(1_500_000)]),
  'a huge form': parts({ 0: '["$K1"]', _1_token: 'x'.repeat(1_500_000) }),
  'an own __proto__': raw('[{"__proto__":{"sandboxKeys":["x"]},"constructor":1}]'),
  'a then': raw('[{"then":"x"}]'),
  'a reference to an action': parts({ 0: '["$h1"]', 1: '{"id":"x","bound":null}' }),
  'a reference to nothing': text(['$h99']),
  'a temporary reference': text(['$T']),
  'a temporary reference as a property': text([{ sandboxKeys: ['$T'], operationId: '$T', token: '$T' }]),
  'a promise without end': text(['$@7']),
  'a blob': parts({ 0: '["$B1"]', 1: 'x' }),
  'a stream': parts({ 0: '["$R1"]' }),
  'an iterator': parts({ 0: '["$x1"]', 1: '[]' }),
  'a big integer': text([`$n${'9'.repeat(100_000)}`]),
  'no big integer': text(['$nx']),
  'a date that is none': text(['$Dx']),
  'an infinite number': text([{ sandboxKey: '$Infinity', minutes: '$NaN' }]),
  'a typed array': parts({ 0: '["$V1"]', 1: 'xyz' }),
  'a symbol': text(['$Sx']),
  'text with control characters': text([{ sandboxKey: '\0\u001b[31m', operationId: 'a\0b' }]),
  'half a character': raw('[{"sandboxKey":"\\ud800","operationId":"\\udfff"}]'),
  'bytes that are not UTF-8': { body: Buffer.from([0x5b, 0xff, 0xfe, 0x5d]).toString('latin1') },
  'a form without its arguments': parts({ 1: '[]' }),
  'a form with other fields': parts({ 0: '[{}]', $ACTION_KEY: 'x', 99: '["$Q1"]', name: 'y' }),
  'a form that is cut': parts({ 0: '[{}]' }, { isCut: true }),
  'a form without a boundary': { body: 'x', contentType: 'multipart/form-data' },
  'an empty form': { body: '', contentType: 'multipart/form-data; boundary=x' },
};

/** The address of a page that includes an action, from its name in the build. */
function addressOf(page: string): string {
  const path = page.replace(/^app|\/\([^)]+\)|\/page$/g, '').replace(/\[\w+\]/g, 'x');
  return path === '' ? '/' : path;
}

/** How many kinds each action gets. All of them are in turn, and every one with `TEST_LONG`. */
const KINDS_EACH = process.env.TEST_LONG ? Object.keys(KINDS).length : 17;

function kindsFor(action: number): [string, Body][] {
  const all = Object.entries(KINDS);
  const first = (action * KINDS_EACH) % all.length;
  return [...all, ...all].slice(first, first + KINDS_EACH);
}

test('answers odd arguments of every action as invalid, and logs no error', {
  timeout: process.env.TEST_LONG ? 900_000 : 300_000,
}, async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const loggedBefore = sandkeeper.log().length;
  const wrong: string[] = [];
  for (const [index, { name, id: actionId, pages }] of serverActions().entries()) {
    const path = addressOf(pages[0] ?? '');
    const answers = await Promise.all(
      kindsFor(index).map(async ([kind, { body, contentType = 'text/plain;charset=UTF-8' }]) => {
        const answer: Answer = await ask(sandkeeper, path, {
          method: 'POST',
          body,
          headers: {
            ...cookieOf(sandkeeper, sessions.admin),
            accept: 'text/x-component',
            origin: sandkeeper.url,
            'next-action': actionId,
            'content-type': contentType,
          },
        });
        return { kind, answer };
      }),
    );
    for (const { kind, answer } of answers) {
      const code = resultIn(answer)?.error?.code ?? `${answer.status} ${answer.text.slice(0, 80)}`;
      if (code !== 'invalid') wrong.push(`${name} with ${kind}: ${code}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(sandkeeper.log().slice(loggedBefore)).toBe('');
  expect(await moru.listIds()).toEqual([id]);
  expect(await moru.stateOf(id)).toBe('running');
  const session = await ask(sandkeeper, '/api/session', { headers: cookieOf(sandkeeper, sessions.admin) });
  expect(session.status).toBe(200);
});
