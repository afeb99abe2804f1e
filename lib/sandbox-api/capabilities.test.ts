import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CAPABILITIES, serviceCannot } from '../sandbox/capabilities';
import { CapabilitySet, describeCapabilities } from './capabilities';

describe('a preset', () => {
  it.each([
    ['local', 'demoFleet', 'yes'],
    ['local', 'limits', 'yes'],
    ['local', 'runs', 'yes'],
    ['local', 'events', 'unknown'],
    ['moru', 'runs', 'yes'],
    ['moru', 'lifecycle', 'no'],
    ['moru', 'logsV2', 'no'],
    ['moru', 'events', 'no'],
    ['moru', 'demoFleet', 'no'],
    ['e2b', 'lifecycle', 'yes'],
    ['e2b', 'logsV2', 'yes'],
    ['e2b', 'runs', 'no'],
    // A self-hosted one has none.
    ['e2b', 'events', 'unknown'],
    ['e2b-compatible', 'pause', 'unknown'],
    ['e2b-compatible', 'demoFleet', 'no'],
  ] as const)('of %s says of %s: %s', (kind, name, support) => {
    expect(new CapabilitySet(kind).support(name)).toBe(support);
  });

  it('forbids no action before a service of an unknown kind has answered', () => {
    const lacking = new CapabilitySet('e2b-compatible').lacking();
    for (const act of ['kill', 'pause', 'resume', 'setTimeout', 'run'] as const)
      expect(serviceCannot(lacking, act)).toBeNull();
  });
});

describe('an answer', () => {
  it.each([
    [405, 'sandbox', 'no'],
    [501, 'sandbox', 'no'],
    [404, 'route', 'no'],
    // The sandbox may be gone.
    [404, 'sandbox', 'unknown'],
    [204, 'sandbox', 'yes'],
    [409, 'sandbox', 'yes'],
    [400, 'sandbox', 'unknown'],
    [401, 'sandbox', 'unknown'],
    [429, 'sandbox', 'unknown'],
    [500, 'sandbox', 'unknown'],
    [503, 'route', 'unknown'],
  ] as const)('of %i, with a missing %s, teaches: %s', (status, missing, support) => {
    const capabilities = new CapabilitySet('e2b-compatible');
    capabilities.observe('pause', status, missing);
    expect(capabilities.support('pause')).toBe(support);
  });

  it('makes the action unavailable, with the reason, and a later success makes it available', () => {
    const capabilities = new CapabilitySet('moru');
    const before = capabilities.lacking();
    expect(serviceCannot(before, 'pause')).toBeNull();
    capabilities.observe('pause', 405, 'sandbox');
    expect(serviceCannot(capabilities.lacking(), 'pause')).toBe('This service cannot pause sandboxes.');
    expect(serviceCannot(capabilities.lacking(), 'kill')).toBeNull();
    capabilities.observe('pause', 204, 'sandbox');
    expect(capabilities.lacking()).toEqual(before);
  });

  it('keeps one object for what is lacking until something changes', () => {
    const capabilities = new CapabilitySet('moru');
    const before = capabilities.lacking();
    capabilities.observe('pause', 204, 'sandbox');
    expect(capabilities.lacking()).toBe(before);
  });
});

describe('a missing route', () => {
  it.each([
    [404, 'route', 11],
    [405, 'sandbox', 25 * 60],
  ] as const)('that answered %i is asked again after a while', (status, missing, minutes) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const capabilities = new CapabilitySet('moru');
    capabilities.observe('runs', status, missing);
    vi.setSystemTime(Date.now() + 9 * 60_000);
    expect(capabilities.lacking().runs).toBeDefined();
    vi.setSystemTime(Date.now() + minutes * 60_000);
    expect(capabilities.lacking().runs).toBeUndefined();
    expect(capabilities.support('runs')).toBe('yes');
  });
});

describe('a 404 for a sandbox that exists', () => {
  it('says that the route is missing only for the second sandbox', () => {
    const capabilities = new CapabilitySet('e2b-compatible');
    capabilities.doubt('pause', 'local/i1');
    capabilities.doubt('pause', 'local/i1');
    expect(capabilities.can('pause')).toBe(true);
    capabilities.doubt('pause', 'local/i2');
    expect(capabilities.can('pause')).toBe(false);
  });

  it('says nothing about a route that has answered before', () => {
    const capabilities = new CapabilitySet('e2b-compatible');
    capabilities.observe('pause', 204, 'sandbox');
    for (const id of ['local/i1', 'local/i2', 'local/i3'] as const) capabilities.doubt('pause', id);
    expect(capabilities.can('pause')).toBe(true);
  });

  it('is forgotten once the route answers', () => {
    const capabilities = new CapabilitySet('e2b-compatible');
    capabilities.doubt('pause', 'local/i1');
    capabilities.observe('pause', 204, 'sandbox');
    capabilities.doubt('pause', 'local/i2');
    expect(capabilities.can('pause')).toBe(true);
  });
});

it('does not let a probe outweigh an answered call', () => {
  const capabilities = new CapabilitySet('e2b');
  capabilities.learn('metrics', true, 'answer', 'answered 200');
  capabilities.learn('metrics', false, 'probe', 'answered 404');
  expect(capabilities.support('metrics')).toBe('yes');
});

it('describes every capability as text and JSON', () => {
  const capabilities = new CapabilitySet('moru');
  capabilities.observe('pause', 405, 'sandbox');
  const service = { kind: 'moru', apiUrl: 'https://api.moru.io' } as const;
  const { text, json } = describeCapabilities(service, capabilities.findings());
  const [first, ...lines] = text.split('\n');
  expect(first).toBe('moru at https://api.moru.io');
  expect(lines).toHaveLength(CAPABILITIES.length);
  expect(lines.find((line) => line.startsWith('Pause '))).toMatch(/ {2}no +answer: answered 405$/);
  const parsed = JSON.parse(json);
  expect(parsed.kind).toBe('moru');
  expect(Object.keys(parsed.capabilities)).toEqual([...CAPABILITIES]);
  expect(parsed.capabilities.pause).toEqual({ support: 'no', source: 'answer', evidence: 'answered 405' });
});
