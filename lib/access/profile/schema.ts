import { z } from 'zod';
import { plainText } from '../../sandbox/plain-text';

export const MAX_OWN_NAME_CHARS = 60;

/** The name of a person, as pages and records show it. */
export const OwnName = plainText('A name', MAX_OWN_NAME_CHARS).trim().min(1, 'Enter a name.');

/** How pages name a session. */
export const SessionRef = z.string().regex(/^[\w-]{22}$/, 'This is no session.');
export const PersonId = z.string().regex(/^[\w-]{1,64}$/, 'This is no person.');
