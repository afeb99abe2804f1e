import type { Config } from 'tailwindcss';

/** The tokens of `app/globals.css` under Tailwind's names. Colours switch with the theme by themselves. */
export default {
  theme: {
    extend: {
      colors: {
        bg: 'var(--bg)',
        surface: 'var(--surface)',
        raise: 'var(--raise)',
        line: 'var(--line)',
        'line-soft': 'var(--line-soft)',
        ink: 'var(--ink)',
        'ink-2': 'var(--ink-2)',
        'ink-3': 'var(--ink-3)',
        accent: 'var(--accent)',
        'accent-ink': 'var(--accent-ink)',
        selected: 'var(--selected)',
        hover: 'var(--hover)',
        running: 'var(--running)',
        paused: 'var(--paused)',
        'paused-soft': 'var(--paused-soft)',
        danger: 'var(--danger)',
        'danger-ink': 'var(--danger-ink)',
        // Tell connections apart. No state and no danger has them.
        'hue-1': 'var(--hue-1)',
        'hue-2': 'var(--hue-2)',
        'hue-3': 'var(--hue-3)',
        'hue-4': 'var(--hue-4)',
        'hue-5': 'var(--hue-5)',
        backdrop: 'var(--backdrop)',
      },
      fontFamily: {
        sans: ['Geist Variable', 'system-ui', 'sans-serif'],
        mono: ['Geist Mono Variable', 'ui-monospace', 'monospace'],
      },
      fontSize: {
        body: ['13px', '20px'],
        small: ['12px', '16px'],
        title: ['17px', '24px'],
      },
      borderRadius: { sm: '5px', md: '8px', lg: '14px' },
      boxShadow: { float: '0 1px 2px rgb(0 0 0 / 0.06), 0 12px 32px -8px rgb(0 0 0 / 0.22)' },
    },
  },
} satisfies Config;
