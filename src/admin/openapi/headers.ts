/** Headers of requests that a route may take. */
const taken = {
  'Idempotency-Key': {
    description: 'Sent twice with the same request, it is done once. Forgotten at a restart.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' },
  },
  'If-None-Match': {
    description: 'The `ETag` that is known already.',
    schema: { type: 'string' },
  },
  'Last-Event-ID': {
    description: 'The id of the last event that was seen: what came after it is sent first.',
    schema: { type: 'string' },
  },
} as const
export type TakenHeader = keyof typeof taken

/** Headers of answers, by their names in HTTP. */
const sent = {
  'Rekeyd-Audit-Head': {
    description:
      '`SEQ:HASH` of the newest row of the audit log; absent when the store cannot be read.',
    schema: { type: 'string', pattern: '^\\d+:' },
  },
  ETag: { description: 'Changes with the content.', schema: { type: 'string' } },
  Location: {
    description: 'Where to look next: the rotation that was started, or a page.',
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Set-Cookie': { description: 'Begins or ends the session.', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'RFC 6750.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'string', pattern: '^\\d+$' } },
} as const
export type SentHeader = keyof typeof sent

export const headerComponents = {
  parameters: Object.fromEntries(
    Object.entries(taken).map(([name, header]) => [name, { name, in: 'header', ...header }]),
  ),
  headers: sent,
}

export function takenHeaders(names: readonly TakenHeader[]): readonly object[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }))
}

/** @param names beside the one that every answer has */
export function sentHeaders(names: readonly SentHeader[] = []): object {
  const all = ['Rekeyd-Audit-Head', ...names]
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}
