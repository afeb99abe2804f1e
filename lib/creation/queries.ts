import { queryOptions } from '@tanstack/react-query';
import type { Template } from '../sandbox-api/wire';
import type { ConnectionName } from '../sandbox-key';

export function templatesQuery(connection: ConnectionName) {
  return queryOptions({
    queryKey: ['templates', connection],
    queryFn: async ({ signal }): Promise<Template[]> => {
      const response = await fetch(`/api/c/${encodeURIComponent(connection)}/templates`, { signal });
      if (!response.ok) throw new Error(`The templates could not be loaded: ${response.status}`);
      return response.json();
    },
    staleTime: 60_000,
  });
}
