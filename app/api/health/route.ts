/** Whether the server answers. Needs no role and says nothing else. */
export function GET(): Response {
  return Response.json({ ok: true }, { headers: { 'cache-control': 'no-store' } });
}
