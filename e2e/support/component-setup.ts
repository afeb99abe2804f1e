import React from 'react';
import { flushSync } from 'react-dom';
import '../../app/globals.css';

// Files that run in the same browser share its cookies.
for (const name of ['role', 'wire']) {
  // biome-ignore lint/suspicious/noDocumentCookie: the proxy reads it.
  document.cookie = `${name}=; path=/; max-age=0`;
}

/**
 * The React of the product has no `act`, with which `render` waits for the first render and its effects. Tests wait for
 * later ones by what is on the screen.
 */
async function act(work: () => Promise<void>): Promise<void> {
  await flushSync(work);
  await new Promise((resolve) => setTimeout(resolve));
}
Object.assign(React, { act });
