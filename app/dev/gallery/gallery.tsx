'use client';

import { clsx } from 'clsx';
import { useState } from 'react';
import { SHOWCASES } from './showcases';

const THEMES = ['light', 'dark'] as const;

/** Each section once per theme, side by side where there is room. */
export function Gallery() {
  const [isNarrow, setIsNarrow] = useState(false);
  return (
    <main className="min-h-full p-5">
      <header className="mb-5 flex flex-wrap items-center gap-4">
        <h1 className="font-semibold text-title">Gallery</h1>
        <nav aria-label="Sections" className="flex flex-wrap gap-x-4">
          {SHOWCASES.map(({ name }) => (
            <a key={name} href={`#${name}`} className="text-accent hover:underline">
              {name}
            </a>
          ))}
        </nav>
        <label className="ml-auto flex items-center gap-1.5">
          <input
            type="checkbox"
            className="checkbox icon-check"
            checked={isNarrow}
            onChange={({ currentTarget }) => setIsNarrow(currentTarget.checked)}
          />
          Phone width
        </label>
      </header>
      <div className="flex flex-col gap-8">
        {SHOWCASES.map(({ name, Showcase }) => (
          <section key={name} id={name} aria-label={name}>
            <h2 className="mb-2 font-semibold">{name}</h2>
            <div className="grid gap-4 lg:grid-cols-2">
              {THEMES.map((theme) => (
                <div
                  key={theme}
                  data-theme={theme}
                  data-showcase={`${name} ${theme}`}
                  className={clsx(
                    'min-w-0 rounded-md border border-line bg-bg p-4 text-ink',
                    isNarrow && 'max-w-[390px]',
                  )}
                >
                  <Showcase />
                </div>
              ))}
            </div>
          </section>
        ))}
      </div>
    </main>
  );
}
