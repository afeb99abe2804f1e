import { describe, expect, it, vi } from 'vitest';
import { type Command, CommandOffers } from './offers';
import { searchCommands } from './search';

function command(id: string, differences: Partial<Command> = {}): Command {
  return { id, group: 'go', title: id, onRun: () => {}, ...differences };
}

const COMMANDS = [
  command('theme', { group: 'app', title: 'Dark theme', words: 'appearance night' }),
  command('resume', { group: 'selection', title: 'Resume 7…', disabledReason: 'None is paused.' }),
  command('kill', { group: 'selection', title: 'Kill 37 sandboxes…' }),
  command('sandboxes', { title: 'Go to Sandboxes' }),
];

const found = (query: string) =>
  searchCommands(COMMANDS, query).map(({ group, commands }) => [group, ...commands.map(({ id }) => id)]);

describe('searchCommands', () => {
  it('returns all commands by group for an empty query', () => {
    expect(found('')).toEqual([
      ['selection', 'resume', 'kill'],
      ['go', 'sandboxes'],
      ['app', 'theme'],
    ]);
  });

  it('matches every word in the title or the search words, in any case', () => {
    expect(found(' SAND  kill ')).toEqual([['selection', 'kill']]);
    expect(found('night')).toEqual([['app', 'theme']]);
    expect(found('sandboxes')).toEqual([
      ['selection', 'kill'],
      ['go', 'sandboxes'],
    ]);
    expect(found('kill nothing')).toEqual([]);
  });
});

describe('searchCommands with unavailable commands', () => {
  it('puts them behind the others, but before a search for the query', () => {
    const commands = [
      command('run', { group: 'selection', title: 'Run' }),
      command('kill', { group: 'selection', title: 'Kill 3' }),
      command('pause', { group: 'sandbox', title: 'Pause' }),
      command('go', { title: 'Go' }),
      command('search', { group: 'search', title: 'Filter sandboxes by pause' }),
    ];
    const idsFor = (query: string) =>
      searchCommands(commands, query, new Set(['run', 'pause'])).flatMap((group) =>
        group.commands.map(({ id }) => id),
      );
    expect(idsFor('')).toEqual(['kill', 'run', 'go', 'pause', 'search']);
    expect(idsFor('pause')).toEqual(['pause', 'search']);
  });
});

describe('CommandOffers', () => {
  it('calls an offer only when its commands are read, until it is removed', () => {
    const offers = new CommandOffers();
    const offer = vi.fn(() => [command('one')]);
    const listener = vi.fn();
    offers.subscribe(listener);
    const remove = offers.add(offer);
    offers.add(() => [command('two')]);
    const removeFirst = offers.add(() => [command('zero')], true);
    expect(listener).toHaveBeenCalledTimes(3);
    expect(offer).not.toHaveBeenCalled();
    expect(offers.all().map(({ id }) => id)).toEqual(['zero', 'one', 'two']);
    remove();
    removeFirst();
    offers.changed();
    expect([listener.mock.calls.length, offers.version()]).toEqual([6, 6]);
    expect(offers.all().map(({ id }) => id)).toEqual(['two']);
  });
});
