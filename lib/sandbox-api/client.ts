import 'server-only';
import { ApiClient, ConnectionConfig } from '@moru-ai/core';
import { config } from '../config';
import { singleton } from '../singleton';
import { sendRequest } from './transport';

/** The SDK's typed HTTP client with the configured key and address. */
export function upstreamApi(): ApiClient['api'] {
  return singleton('upstream-api', () => {
    const { apiKey, apiUrl, domain } = config().upstream;
    // The SDK modifies `headers`, so pass a new object (docs/protocol.md#mutated-options).
    const { api } = new ApiClient(new ConnectionConfig({ apiKey, apiUrl, domain, headers: {} }));
    api.use({ onRequest: ({ request }) => sendRequest(request) });
    return api;
  });
}
