import { expect, it } from 'vitest';
import { actionOfKey } from './terminal';

type Keys = Partial<Parameters<typeof actionOfKey>[0]> & { key: string };
const NO_KEYS = { code: '', ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };
const actionFor = (keys: Keys) => actionOfKey({ ...NO_KEYS, ...keys });
const ctrl = { ctrlKey: true };
const ctrlShift = { ctrlKey: true, shiftKey: true };

it.each<[Keys, ReturnType<typeof actionOfKey>]>([
  [{ key: '?', shiftKey: true }, 'terminal'],
  [{ key: 'Tab', code: 'Tab' }, 'terminal'],
  [{ key: 'c', code: 'KeyC', ...ctrl }, 'terminal'],
  [{ key: 'k', code: 'KeyK', ...ctrl }, 'terminal'],
  [{ key: 'r', code: 'KeyR', ...ctrl }, 'terminal'],
  [{ key: 'f', code: 'KeyF', altKey: true }, 'terminal'],
  [{ key: '_', code: 'Minus', ...ctrlShift }, 'terminal'],
  [{ key: 'F5' }, 'terminal'],
  [{ key: 'C', code: 'KeyC', ...ctrlShift }, 'copy'],
  [{ key: 'F', code: 'KeyF', ...ctrlShift }, 'find'],
  [{ key: 'f', code: 'KeyF', metaKey: true }, 'find'],
  [{ key: 'V', code: 'KeyV', ...ctrlShift }, 'browser'],
  [{ key: 'R', code: 'KeyR', ...ctrlShift }, 'browser'],
  [{ key: 'k', code: 'KeyK', metaKey: true }, 'browser'],
  [{ key: 'c', code: 'KeyC', metaKey: true }, 'browser'],
  [{ key: 'F12' }, 'browser'],
  [{ key: 'Insert', shiftKey: true }, 'browser'],
  [{ key: 'Insert', ...ctrl }, 'copy'],
  [{ key: 'F6', ...ctrl }, 'leave'],
  [{ key: '+', ...ctrlShift }, 'zoomIn'],
  [{ key: '-', ...ctrl }, 'zoomOut'],
  [{ key: '0', metaKey: true }, 'zoomReset'],
])('%j: %s', (keys, action) => {
  expect(actionFor(keys)).toBe(action);
});
