import { queryOptions } from '@tanstack/react-query';
import type { Template } from '../sandbox-api/wire';

/** The templates that a sandbox can be created from. */
export function templatesQuery() {
  return queryOptions({
    queryKey: ['templates'],
    queryFn: async ({ signal }): Promise<Template[]> => {
      const answer = await fetch('/api/templates', { signal });
      if (!answer.ok) throw new Error(`The templates could not be read: ${answer.status}`);
      return answer.json();
    },
    staleTime: 60_000,
  });
}
