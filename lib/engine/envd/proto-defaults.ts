/**
 * A message without the fields that have their default value, as proto3 JSON writes it (docs/protocol.md#proto3-json). Not for
 * fields with presence, such as members of a `oneof`, nor for maps.
 */
export function withoutDefaults<Message extends object>(message: Message): Partial<Message> {
  const present = Object.entries(message).filter(([, value]) => !isDefault(value));
  return Object.fromEntries(present) as Partial<Message>;
}

function isDefault(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || value === 0 || value === false || value === '';
}
