import 'server-only';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { config } from '../config';

/**
 * The address of the server that uses this data directory, in a file there. `npm start` may take another port than the
 * configured one, and a command beside it has to print a link that leads to it.
 */
const noteFile = () => join(config().dataDir, 'server.url');

export function noteServer(url: string): void {
  try {
    writeFileSync(noteFile(), `${url}\n`, { mode: 0o600 });
  } catch (error) {
    // The command then prints the configured address.
    console.warn(`The address of the server could not be noted: ${(error as Error).message}`);
  }
}

/** Removes the note, unless another server has written its own since. */
export function forgetServer(url: string): void {
  if (readServerNote() === url) rmSync(noteFile(), { force: true });
}

/** `null`: no server runs with this data directory, as far as is known. */
export function readServerNote(): string | null {
  try {
    const url = readFileSync(noteFile(), 'utf8').trim();
    return URL.canParse(url) ? new URL(url).origin : null;
  } catch {
    return null;
  }
}
