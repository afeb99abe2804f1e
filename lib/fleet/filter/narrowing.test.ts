import { describe, expect, it } from 'vitest';
import { parseFilter } from './filter';
import { connectionsIn, narrowTo } from './narrowing';

const NAMES = ['prod', 'prod-eu', 'staging'];

describe('connectionsIn', () => {
  it.each([
    ['', NAMES],
    ['owner=ana', NAMES],
    ['connection:prod', ['prod']],
    ['connection:prod,staging', ['prod', 'staging']],
    ['connection:prod*', ['prod', 'prod-eu']],
    ['!connection:prod', ['prod-eu', 'staging']],
    ['connection!=prod', ['prod-eu', 'staging']],
    ['connection:prod connection:staging', []],
    ['connection:other', []],
    ['connection:p.od', []],
  ])('leaves of %j the connections %j', (text, names) => {
    expect(connectionsIn(parseFilter(text).filter, NAMES)).toEqual(names);
  });
});

describe('narrowTo', () => {
  it('replaces the connection terms and keeps the others and what is being typed', () => {
    expect(narrowTo('', 'prod')).toBe('connection:prod ');
    expect(narrowTo('owner=ana connection:staging !connection:x ow', 'prod')).toBe(
      'connection:prod owner=ana ow',
    );
    expect(narrowTo('connection:staging owner=ana ')).toBe('owner=ana ');
    expect(narrowTo('owner=ana ', 'prod', 'staging')).toBe('connection:prod,staging owner=ana ');
  });
});
