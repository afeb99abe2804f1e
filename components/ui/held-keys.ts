import { listenForKeys } from '@/lib/key-events';

const DIALOG = '[role=dialog], [role=alertdialog]';

/**
 * Holds the keys pressed while a dialog opens, because they are meant for it and not for the element that still has the focus.
 * When the dialog has the focus, its text field gets the text if it is empty; a field that searches also gets Enter. Every
 * other key is dropped, so that nothing is confirmed before it is seen. Escape and a press of the pointer end the wait.
 * Browser only.
 */
export function holdKeys(onCancel: () => void): () => void {
  const before = new Set(document.querySelectorAll(DIALOG));
  let text = '';
  let isEntered = false;

  function onKeyDown(event: KeyboardEvent) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey || isInNewDialog(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (key === 'Escape') onCancel();
    else if (isEntered) return;
    else if (key === 'Enter') isEntered = true;
    else if (key === 'Backspace') text = [...text].slice(0, -1).join('');
    else if ([...key].length === 1) text += key;
  }

  function isInNewDialog(target: EventTarget | null): boolean {
    const dialog = target instanceof Element ? target.closest(DIALOG) : null;
    return dialog !== null && !before.has(dialog);
  }

  function onFocusIn({ target }: FocusEvent) {
    if (!isInNewDialog(target)) return;
    stop();
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement)
      typeInto(target, text, isEntered);
  }

  const stopListening = listenForKeys(onKeyDown, { isFirst: true });
  document.addEventListener('focusin', onFocusIn);
  document.addEventListener('pointerdown', stop);
  function stop() {
    stopListening();
    document.removeEventListener('focusin', onFocusIn);
    document.removeEventListener('pointerdown', stop);
  }
  return stop;
}

const TEXT_TYPES = new Set(['text', 'search', 'textarea']);

function typeInto(input: HTMLInputElement | HTMLTextAreaElement, text: string, isEntered: boolean): void {
  if (text === '' || input.value !== '' || !TEXT_TYPES.has(input.type)) return;
  input.setRangeText(text, 0, 0, 'end');
  input.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertText', data: text }));
  if (!isEntered || input.getAttribute('role') !== 'combobox') return;
  // The matches are drawn first.
  requestAnimationFrame(() =>
    requestAnimationFrame(() =>
      input.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', bubbles: true, cancelable: true }),
      ),
    ),
  );
}
