import 'server-only';
import { ApiClient, ConnectionConfig } from '@moru-ai/core';
import { config } from '../config';
import { singleton } from '../singleton';
import { sendRequest } from './transport';

/** The typed HTTP client of the SDK, with our key and address. The only place that builds one. */
export function upstreamApi(): ApiClient['api'] {
  return singleton('upstream-api', () => {
    const { apiKey, apiUrl, domain } = config().upstream;
    // A fresh `headers`: the SDK writes into the object it is given (docs/protocol.md#mutated-options).
    const { api } = new ApiClient(new ConnectionConfig({ apiKey, apiUrl, domain, headers: {} }));
    api.use({ onRequest: ({ request }) => sendRequest(request) });
    return api;
  });
}
