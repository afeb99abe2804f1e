import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp } from 'lucide-react';
import type { ReactNode } from 'react';
import type { TouchKey } from '@/lib/console/terminal-keys';

type Props = {
  /** Whether the next key is pressed with Ctrl. */
  isCtrl: boolean;
  onCtrl: (isOn: boolean) => void;
  onKey: (key: TouchKey) => void;
};

const KEYS: readonly { key: TouchKey; label: string; face: ReactNode }[] = [
  { key: 'escape', label: 'Escape', face: 'Esc' },
  { key: 'tab', label: 'Tab', face: 'Tab' },
];
const ARROWS: typeof KEYS = [
  { key: 'left', label: 'Left', face: <ArrowLeft size={16} aria-hidden /> },
  { key: 'up', label: 'Up', face: <ArrowUp size={16} aria-hidden /> },
  { key: 'down', label: 'Down', face: <ArrowDown size={16} aria-hidden /> },
  { key: 'right', label: 'Right', face: <ArrowRight size={16} aria-hidden /> },
];

/** The keys that keyboards on touch screens lack. Ctrl applies to the next key. Shown on touch screens alone. */
export function TouchKeys({ isCtrl, onCtrl, onKey }: Props) {
  const keys = (list: typeof KEYS) =>
    list.map(({ key, label, face }) => (
      <Key key={key} label={label} onPress={() => onKey(key)}>
        {face}
      </Key>
    ));
  return (
    <div
      role="toolbar"
      aria-label="Terminal keys"
      className="hidden shrink-0 gap-1 overflow-x-auto border-line border-t bg-surface p-1 pointer-coarse:flex"
    >
      {keys(KEYS)}
      <Key label="Ctrl, for the next key" isPressed={isCtrl} onPress={() => onCtrl(!isCtrl)}>
        Ctrl
      </Key>
      {keys(ARROWS)}
    </div>
  );
}

type KeyProps = { label: string; isPressed?: boolean; onPress: () => void; children: ReactNode };

function Key({ label, isPressed, onPress, children }: KeyProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={isPressed}
      // Keeps the focus in the terminal, and with it the keyboard on the screen.
      onPointerDown={(event) => event.preventDefault()}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPress}
      className="flex h-10 min-w-11 flex-1 touch-manipulation select-none items-center justify-center rounded-sm border border-line bg-raise font-medium aria-pressed:border-accent aria-pressed:bg-selected aria-pressed:text-accent"
    >
      {children}
    </button>
  );
}
