import { queryOptions } from '@tanstack/react-query';
import type { Template } from '../sandbox-api/wire';

export function templatesQuery() {
  return queryOptions({
    queryKey: ['templates'],
    queryFn: async ({ signal }): Promise<Template[]> => {
      const response = await fetch('/api/templates', { signal });
      if (!response.ok) throw new Error(`The templates could not be loaded: ${response.status}`);
      return response.json();
    },
    staleTime: 60_000,
  });
}
