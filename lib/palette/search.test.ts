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
  it('answers everything to an empty search, by groups, each in its place', () => {
    expect(found('')).toEqual([
      ['selection', 'resume', 'kill'],
      ['go', 'sandboxes'],
      ['app', 'theme'],
    ]);
  });

  it('finds by every word, in the title or beside it, in whatever case', () => {
    expect(found(' SAND  kill ')).toEqual([['selection', 'kill']]);
    expect(found('night')).toEqual([['app', 'theme']]);
    expect(found('sandboxes')).toEqual([
      ['selection', 'kill'],
      ['go', 'sandboxes'],
    ]);
    expect(found('kill nothing')).toEqual([]);
  });
});

describe('CommandOffers', () => {
  it('asks each page for what it offers only when somebody looks, and no longer than the page lives', () => {
    const offers = new CommandOffers();
    const offer = vi.fn(() => [command('one')]);
    const heard = vi.fn();
    offers.subscribe(heard);
    const withdraw = offers.add(offer);
    offers.add(() => [command('two')]);
    expect(heard).toHaveBeenCalledTimes(2);
    expect(offer).not.toHaveBeenCalled();
    expect(offers.all().map(({ id }) => id)).toEqual(['one', 'two']);
    withdraw();
    offers.changed();
    expect([heard.mock.calls.length, offers.version()]).toEqual([4, 4]);
    expect(offers.all().map(({ id }) => id)).toEqual(['two']);
  });
});
