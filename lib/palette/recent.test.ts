import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Command } from './offers';
import { recentCommands, recentIds, rememberCommand } from './recent';

function command(id: string, differences: Partial<Command> = {}): Command {
  return { id, group: 'go', title: id, onRun: () => {}, ...differences };
}

let stored: Map<string, string>;

beforeEach(() => {
  stored = new Map();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  });
});

afterEach(() => vi.unstubAllGlobals());

describe('rememberCommand', () => {
  it('keeps the newest first, each once, and at most twelve', () => {
    for (let n = 0; n < 20; n += 1) rememberCommand(command(`c${n}`));
    rememberCommand(command('c15'));
    expect(recentIds()).toHaveLength(12);
    expect(recentIds().slice(0, 3)).toEqual(['c15', 'c19', 'c18']);
  });

  it('never keeps a command that changes sandboxes or ends the session', () => {
    rememberCommand(command('selection:pause', { group: 'selection' }));
    rememberCommand(command('sandbox:pause', { group: 'sandbox' }));
    rememberCommand(command('search:query', { group: 'search' }));
    rememberCommand(command('kill', { tone: 'danger' }));
    rememberCommand(command('sign-out', { group: 'app', isRare: true }));
    expect(recentIds()).toEqual([]);
  });

  it('works while the browser denies storage', () => {
    vi.stubGlobal('localStorage', {
      getItem: () => {
        throw new DOMException('denied', 'SecurityError');
      },
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    });
    rememberCommand(command('one'));
    rememberCommand(command('two'));
    expect(recentIds().slice(0, 2)).toEqual(['two', 'one']);
  });
});

describe('recentIds', () => {
  it.each(['{', '{"a":1}', '[1, null, {"id":"x"}]', '"x"'])('ignores %s in storage', (text) => {
    stored.set('sandkeeper.commands', text);
    expect(recentIds().every((id) => typeof id === 'string')).toBe(true);
    expect(recentIds()).not.toContain('x');
  });
});

describe('recentCommands', () => {
  it('returns those on offer and available, and none that a changed id made dangerous', () => {
    const commands = [
      command('one'),
      command('two'),
      command('off', { disabledReason: 'No.' }),
      command('kill', { tone: 'danger' }),
    ];
    const ids = ['kill', 'two', 'gone', 'off', 'one'];
    expect(recentCommands(commands, ids).map(({ id }) => id)).toEqual(['two', 'one']);
  });
});
