import type { SeededRandom } from '../campaign.ts'
import type { Sending } from './door.ts'

/** What a client shows over TCP. */
const credentials = ['none', 'unknown', 'expired', 'malformed', 'read', 'rotate', 'admin'] as const
export type Credential = (typeof credentials)[number]

export type DoorName = 'socket' | 'http' | 'metrics'

/** One connection of somebody who means no good. */
export interface Hostile extends Sending {
  readonly door: DoorName
  /** It may be allowed to change something. */
  readonly acts: boolean
}

export interface Surroundings {
  /** As OpenAPI has them: `/v1/materials/{name}`. */
  readonly routes: readonly string[]
  readonly authorization: Readonly<Record<Credential, string>>
  /** A folder that actions may write to. */
  readonly folder: string
}

const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT']
const names = [
  'none',
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e',
  '__proto__',
  'constructor',
  'TOKEN',
  'token%00',
  'token%2frotate',
  'x'.repeat(300),
  '%zz',
  '%f0%9f%94%91',
]
const places = [
  '/v1/secrets',
  '/V1/STATUS',
  '//v1/status',
  '/v1/../v1/status',
  '/v1/status/',
  '/v1/status;x=1',
  'http://localhost/v1/status',
  '*',
  '/%00',
  `/${'a/'.repeat(2_000)}`,
]
const queries = [
  'days=5',
  'days=x',
  'limit=1e9',
  'after=-1',
  'wait=1',
  'a=b&a=c',
  '%',
  '__proto__=1',
]
const hosts = ['localhost', '127.0.0.1', 'evil.example.com', 'localhost:1', '', 'localhost@evil']

/** Seldom does one stay: each is waited for. */
const endings: readonly Sending['ending'][] = [
  ...Array<'half-close'>(15).fill('half-close'),
  ...Array<'abort'>(4).fill('abort'),
  'stay',
]

/** Chooses one connection at random. One in twelve may act. */
export function hostile(random: SeededRandom, surroundings: Surroundings): Hostile {
  const acts = random.below(12) === 0
  const door = random.pick<DoorName>(
    acts ? ['socket', 'http'] : ['socket', 'http', 'http', 'metrics'],
  )
  const credential = random.pick(acts ? (['rotate', 'admin'] as const) : credentials.slice(0, 5))
  const count = acts ? 1 : 1 + random.below(4)
  // What it shows never allows what it asks for, but the one in twelve.
  const requests = Array.from({ length: count }, () => {
    if (!acts && door === 'http' && random.below(2) === 0) {
      return earnest(random, surroundings.authorization[credential])
    }
    // Over the socket, and on behalf of nobody, whatever is not a question would be done.
    const asksOnly = !acts && door === 'socket'
    return request(random, surroundings, { credential, acts, asksOnly })
  })
  const bytes = Buffer.concat(requests)
  const sent = !acts && random.below(3) === 0 ? damaged(random, bytes, door === 'socket') : bytes
  const ending = random.pick(endings)
  return { door, acts, pieces: pieces(random, sent), ending }
}

/** Would be done at once, were it not for who asks: `read`, or nobody. */
function earnest(random: SeededRandom, authorization: string): Buffer {
  const [path, body = '{}'] = random.pick([
    ['/v1/pause', '{"reason":"evil"}'],
    ['/v1/resume'],
    ['/v1/rotate-due'],
    ['/v1/notices/test'],
    ['/v1/materials/token/rotate'],
    ['/v1/materials/token/pause', '{"reason":"evil"}'],
    ['/v1/materials/token/adopt'],
    ['/v1/materials/token/rollback'],
    ['/v1/materials/token/compromise'],
  ] as const)
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `Authorization: ${authorization}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}

interface Choices {
  readonly credential: Credential
  readonly acts: boolean
  readonly asksOnly: boolean
}

function request(
  random: SeededRandom,
  surroundings: Surroundings,
  { credential, acts, asksOnly }: Choices,
): Buffer {
  const chosen = acts ? 'POST' : random.pick(methods)
  const method = asksOnly && chosen !== 'HEAD' ? 'GET' : chosen
  const path = address(random, surroundings.routes, acts)
  const body = method === 'GET' && random.below(4) > 0 ? undefined : bodyFor(random, surroundings)
  const head = [
    `${method} ${path} HTTP/1.${random.below(20) === 0 ? 0 : 1}`,
    ...(random.below(20) === 0
      ? []
      : [`Host: ${random.below(8) === 0 ? random.pick(hosts) : 'localhost'}`]),
    ...(credential === 'none' ? [] : [`Authorization: ${surroundings.authorization[credential]}`]),
    ...extras(random),
  ]
  if (!body) return Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
  const { lines, bytes } = framed(random, body)
  return Buffer.concat([
    Buffer.from(`${[...head, ...lines].join('\r\n')}\r\n\r\n`, 'latin1'),
    bytes,
  ])
}

function address(random: SeededRandom, routes: readonly string[], acts: boolean): string {
  const query = random.below(4) === 0 ? `?${random.pick(queries)}` : ''
  if (!acts && random.below(4) === 0) return random.pick(places) + query
  const known = random.below(3) === 0
  return (
    random
      .pick(routes)
      .replace('{name}', known ? 'token' : random.pick(names))
      .replace('{id}', known ? 'abc' : random.pick(names)) + query
  )
}

function extras(random: SeededRandom): string[] {
  const all: readonly (() => string)[] = [
    () => 'Host: evil.example.com',
    () => 'Authorization: Bearer rekeyd_other',
    () => 'X-Rekeyd-Caller: alice',
    () => `X-Rekeyd-Caller: ${'a'.repeat(100)}`,
    () => 'Idempotency-Key: k1',
    () => `Idempotency-Key: ${'k'.repeat(200)}`,
    () => 'Expect: 100-continue',
    () => 'Expect: anything',
    () => 'Origin: https://evil.example.com',
    () => 'Sec-Fetch-Site: cross-site',
    () => 'Sec-Fetch-Site: same-origin',
    () => `Cookie: __Host-rekeyd=${'a'.repeat(43)}`,
    () => `X-Rekeyd-Csrf: ${'a'.repeat(43)}`,
    () => 'Last-Event-ID: nothing-1',
    () => 'Connection: Upgrade\r\nUpgrade: h2c',
    () => 'Connection: close',
    () => 'Range: bytes=0-1',
    () => 'Transfer-Encoding: gzip',
    () => `X-Large: ${'x'.repeat(random.below(20_000))}`,
    () => `X-Many: 1\r\n${'X-Many: 2\r\n'.repeat(random.below(300))}X-Many: 3`,
    () => 'X-Forwarded-Host: localhost\r\nX-Original-URL: /v1/status',
    () => 'X-Odd: \u00ff\u0001',
    () => ' folded: 1',
    () => 'no colon',
  ]
  return Array.from({ length: random.below(3) }, () => random.pick(all)())
}

function bodyFor(random: SeededRandom, { folder }: Surroundings): Buffer {
  const text = random.pick([
    '{}',
    '{"reason":"manual"}',
    '{"reason":"compromise"}',
    '{"dry_run":true}',
    '{"reason":"holidays","until":"2099-01-01T00:00:00Z"}',
    '{"to":1}',
    '{"to":"1"}',
    '{"on_failure":"old","why":"because"}',
    `{"out":"${folder}/out-${random.below(1_000)}"}`,
    `{"out":"${folder}/../../x","version":1.5}`,
    `{"parts":[{"part":"secret","path":"${folder}/junk"}]}`,
    `{"parts":[{"part":"secret","path":"/dev/zero"}]}`,
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"reason":"manual","reason":"compromise"}',
    '{"why":"two\\nlines"}',
    '[]',
    'null',
    '"text"',
    '{',
    '',
    '['.repeat(20_000),
    `{"why":"${'x'.repeat(70_000)}"}`,
    '\u00ff\u00fe{"a":1}',
    'a=b&c=d',
    'token=rekeyd_x',
    'csrf=x',
  ])
  return Buffer.from(text, 'latin1')
}

/** A body with the headers that announce it, as they should or not. */
function framed(random: SeededRandom, body: Buffer): { lines: string[]; bytes: Buffer } {
  const type = `Content-Type: ${random.pick(['application/json', 'application/json', 'text/plain', 'application/json; charset=utf-16', 'application/x-www-form-urlencoded', 'x'])}`
  const size = body.length
  const chunked = Buffer.concat([
    Buffer.from(`${size.toString(16)}\r\n`),
    body,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  const framings: readonly (() => { lines: string[]; bytes: Buffer })[] = [
    () => ({ lines: [`Content-Length: ${size}`], bytes: body }),
    () => ({ lines: [`Content-Length: ${size}`], bytes: body }),
    () => ({ lines: [`Content-Length: ${size}`], bytes: body }),
    () => ({ lines: ['Transfer-Encoding: chunked'], bytes: chunked }),
    () => ({ lines: [`Content-Length: ${size + 5}`], bytes: body }),
    () => ({ lines: [`Content-Length: ${Math.max(0, size - 5)}`], bytes: body }),
    () => ({ lines: [`Content-Length: ${size}`, 'Content-Length: 1'], bytes: body }),
    () => ({ lines: [`Content-Length: ${size}`, 'Transfer-Encoding: chunked'], bytes: chunked }),
    () => ({ lines: ['Transfer-Encoding: chunked'], bytes: body }),
    () => ({ lines: ['Content-Length: 99999999999999999999'], bytes: body }),
    () => ({ lines: [], bytes: body }),
  ]
  const { lines, bytes } = random.pick(framings)()
  return { lines: [type, ...lines], bytes }
}

/** Bytes changed, cut, doubled or put in. What comes by the socket must still ask only: no letter is changed there. */
function damaged(random: SeededRandom, bytes: Buffer, asksOnly: boolean): Buffer {
  const at = random.below(bytes.length)
  const noise = Buffer.from(Array.from({ length: 1 + random.below(40) }, () => random.below(256)))
  const ways: readonly (() => Buffer)[] = [
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]),
    () => Buffer.concat([noise, bytes]),
    () =>
      Buffer.from(
        bytes.map((byte, index) => (index === at ? byte ^ (1 + random.below(255)) : byte)),
      ),
    () => Buffer.concat([bytes.subarray(0, at), bytes]),
    () => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  ]
  return random.pick(asksOnly ? ways.slice(0, 1) : ways)()
}

function pieces(random: SeededRandom, bytes: Buffer): readonly Buffer[] {
  if (random.below(3) > 0) return [bytes]
  const cuts = Array.from({ length: random.below(8) }, () => random.below(bytes.length + 1))
  const all = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  return all.slice(1).map((end, index) => bytes.subarray(all[index], end))
}
