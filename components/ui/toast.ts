import { type ExternalToast, toast as sonner } from 'sonner';
import { visibleText } from '@/lib/visible-text';

/** Toasts often carry text of a sandbox or a service, so every string is shown with its invisible characters marked. */
export const toast = {
  success: (title: string, options?: ExternalToast) => sonner.success(visibleText(title), marked(options)),
  message: (title: string, options?: ExternalToast) => sonner.message(visibleText(title), marked(options)),
  error: (title: string, options?: ExternalToast) => sonner.error(visibleText(title), marked(options)),
};

function marked(options: ExternalToast = {}): ExternalToast {
  const { description } = options;
  return typeof description === 'string'
    ? { ...options, description: visibleText(description, 'block') }
    : options;
}
