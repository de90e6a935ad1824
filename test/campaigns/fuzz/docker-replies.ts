import { createHash } from 'node:crypto'
import { placeholder } from './fuzz-class.ts'

/** How a reply that may be honest reaches the client. */
export interface Sent {
  /** Latin-1, one piece a turn of the event loop. */
  readonly pieces: readonly string[]
  /** `flood` sends more and more of the body. */
  readonly ending: 'close' | 'hang' | 'flood'
  /** Whether it is still an answer; undefined where that is a matter of taste. */
  readonly isAnswer: boolean | undefined
}

interface Reply {
  readonly status: number
  readonly body: string
}

const line = ({ status }: Reply) => `HTTP/1.1 ${status} Some Reason\r\n`
const type = 'Content-Type: application/json\r\n'
const size = ({ body }: Reply) => `Content-Length: ${body.length}\r\n`
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const chunked = 'Transfer-Encoding: chunked\r\n'
const whole = (reply: Reply) => `${line(reply)}${type}${size(reply)}\r\n${reply.body}`
const middle = ({ body }: Reply) => Math.floor(body.length / 2)

const good = (...pieces: readonly string[]): Sent => ({ pieces, ending: 'close', isAnswer: true })
const bad = (piece: string, ending: Sent['ending'] = 'close'): Sent => {
  return { pieces: [piece], ending, isAnswer: false }
}
/** What is wrong only with the body does no harm to a reply that has none. */
const badBody = (reply: Reply, piece: string, ending: Sent['ending'] = 'close'): Sent => {
  return { ...bad(piece, ending), isAnswer: reply.body === '' ? undefined : false }
}

/** Ways to send a reply, honest ones first. */
export const ways = {
  whole: (reply) => good(whole(reply)),
  'until the end': (reply) => good(`${line(reply)}${type}\r\n${reply.body}`),
  'in chunks': (reply) => {
    const chunks = [reply.body.slice(0, middle(reply)), reply.body.slice(middle(reply))]
    const all = chunks.filter((text) => text !== '').map(chunk)
    const sent = good(`${line(reply)}${chunked}\r\n`, ...all, '0\r\nX-Trailer: 1\r\n\r\n')
    // RFC 9112 §6.3: a reply of such a status ends with its head.
    return reply.status === 204 || reply.status === 304 ? { ...sent, isAnswer: undefined } : sent
  },
  'byte by byte': (reply) => good(...whole(reply).split('')),
  'many headers': (reply) =>
    good(`${line(reply)}${'X-Many: 1\r\n'.repeat(500)}${size(reply)}\r\n${reply.body}`),
  'hints first': (reply) => good('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100) + whole(reply)),
  'more than one': (reply) => ({
    ...good(whole(reply) + whole({ status: 500, body: 'x' })),
    isAnswer: undefined,
  }),
  'more headers than there may be': (reply) =>
    bad(`${line(reply)}${'X-Many: 1\r\n'.repeat(9_000)}\r\n`),
  'one header without end': (reply) => bad(`${line(reply)}X-Long: ${'x'.repeat(100_000)}`),
  'nothing, and closes': () => bad(''),
  'half a head, and closes': (reply) => bad(`${line(reply)}Content-Le`),
  'half a body, and closes': (reply) =>
    badBody(reply, whole(reply).slice(0, -middle(reply) || undefined)),
  'no last chunk': (reply) => ({
    ...bad(`${line(reply)}${chunked}\r\n${reply.body && chunk(reply.body)}`),
    isAnswer: reply.status === 204 ? undefined : false,
  }),
  'chunks without a size': (reply) =>
    badBody(reply, `${line(reply)}${chunked}\r\nzz\r\n${reply.body}`),
  'a chunk of ten thousand petabytes': (reply) =>
    badBody(reply, `${line(reply)}${chunked}\r\n8ac7230489e80000\r\n${reply.body}`),
  'a length below zero': (reply) => bad(`${line(reply)}Content-Length: -1\r\n\r\n${reply.body}`),
  'two lengths': (reply) =>
    bad(`${line(reply)}${size(reply)}Content-Length: 7\r\n\r\n${reply.body}`),
  'a length and chunks': (reply) => ({
    ...bad(`${line(reply)}${size(reply)}${chunked}\r\n${chunk(reply.body)}0\r\n\r\n`),
    isAnswer: undefined,
  }),
  'another protocol': () => bad('SSH-2.0-OpenSSH_9.2\r\n'),
  'a protocol to change to': () =>
    bad('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n', 'hang'),
  'the same, and closes': () =>
    bad('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'),
  'hints without end': () => bad('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000), 'hang'),
  'nothing, and waits': () => bad('', 'hang'),
  'half a head, and waits': (reply) => bad(line(reply), 'hang'),
  'half a body, and waits': (reply) =>
    badBody(reply, whole(reply).slice(0, -middle(reply) || undefined), 'hang'),
  'a body of a gigabyte': (reply) =>
    badBody(reply, `${line(reply)}Content-Length: 1073741824\r\n\r\n`, 'flood'),
  'chunks without end': (reply) => badBody(reply, `${line(reply)}${chunked}\r\n`, 'flood'),
} as const satisfies Readonly<Record<string, (reply: Reply) => Sent>>
export type Way = keyof typeof ways

/** What else an engine, or what pretends to be one, may say. None of it is a yes. */
export const strange: readonly Reply[] = [
  { status: 301, body: '' },
  { status: 304, body: '' },
  { status: 400, body: `{"message":"\u001b[31m${placeholder}\\n"}` },
  { status: 403, body: `{"message":"${placeholder}"}` },
  { status: 404, body: `{"message":"no such container: ${placeholder}"}` },
  { status: 409, body: '{"message":"is not running"}' },
  { status: 500, body: `<html>${placeholder}\u0000</html>` },
  { status: 503, body: '' },
  { status: 999, body: 'null' },
]

/** Texts that are no list of containers, nor a version. */
export const nonsense: readonly string[] = [
  '',
  'null',
  '{}',
  '[[]]',
  '[null]',
  '"text"',
  '1e999',
  '{"ApiVersion":1.41}',
  '{"ApiVersion":"1.41; rm"}',
  '{"ApiVersion":"1e3.1"}',
  '{"ApiVersion":"../1.41"}',
  '{"__proto__":{"ApiVersion":"1.41"}}',
  `{"ApiVersion":"1.41","secret":"${placeholder}"`,
  '[{"__proto__":{"Id":"0123456789ab","Names":["/chat"],"State":"running"}}]',
  '[{"constructor":{"prototype":{"a":1}}}]',
  '['.repeat(100_000),
  '{"a":'.repeat(100_000),
]

/** Ids as an engine has them. */
const ours = 'a'.repeat(64)
const second = 'b'.repeat(64)
const idOf = (what: string) => createHash('sha256').update(what).digest('hex')

const member = (fields: object) => ({
  Id: ours,
  Names: ['/chat'],
  State: 'running',
  Labels: { 'com.docker.compose.service': 'chat', 'com.docker.compose.project': 'site' },
  ...fields,
})
const other = (name: string) => member({ Id: idOf(name), Names: [name], Labels: {} })
const labelled = (service: string, project: string) =>
  member({
    Id: idOf(`${service} ${project}`),
    Names: ['/other'],
    Labels: { 'com.docker.compose.service': service, 'com.docker.compose.project': project },
  })

interface List {
  /** JSON; the state of what is ours stands in it as `running`. */
  readonly text: string
  /** What is ours there, by the container's name and by the labels of the service; none where that cannot be told. */
  readonly byName: readonly string[]
  readonly byLabel: readonly string[]
}

function list(members: readonly object[], byName: readonly string[], byLabel = byName): List {
  return { text: JSON.stringify(members), byName, byLabel }
}

/** Lists of containers, and who may be acted on then. */
export const lists = {
  'ours alone': list([member({})], [ours]),
  'others beside it': list(
    [other('/chat-2'), other('/my-chat'), other('/Chat'), member({}), labelled('chat', 'other')],
    [ours],
  ),
  'links beside its name': list([member({ Names: ['/web/chat-db', '/chat'] })], [ours]),
  'huge numbers beside': list([member({ Created: 1e300, SizeRw: -1, Ports: [{}] })], [ours]),
  none: list([], []),
  'prefixes only': list([other('/chat-2'), other('/chat.old'), labelled('chat-2', 'site')], []),
  'suffixes only': list([other('/my-chat'), other('/xchat'), labelled('my-chat', 'site')], []),
  'another case': list([other('/CHAT'), labelled('CHAT', 'site')], []),
  'no slash': list([other('xchat'), other('chat')], []),
  'two slashes': list([other('//chat'), other('/chat/'), other('/chat/chat')], []),
  'blanks around': list([other('/chat\n'), other(' /chat'), other('/chat\u0000')], []),
  'another project': list([labelled('chat', 'site-2'), labelled('chat', '')], []),
  'two of one name': list([member({}), member({ Id: second })], [], [ours, second]),
  'one id twice': list([member({}), member({ Names: ['/chat', '/chat-2'] })], []),
  'no names': list([member({ Names: null })], [], [ours]),
  'no labels': list([member({ Labels: null })], [ours], []),
  'names that are one text': list([member({ Names: '/chat' })], []),
  'names that are an object': list([member({ Names: { 0: '/chat' } })], []),
  'a number for a name': list([member({ Names: [1e21, '/chat'] })], []),
  'an id that is a path': list([member({ Id: `../${ours}` })], []),
  'an id that is short': list([member({ Id: 'a' })], []),
  'an id that is a number': list([member({ Id: 123456789012 })], []),
  'no state': list([member({ State: undefined })], []),
  'a state that is an object': list([member({ State: { Running: true } })], []),
  'labels that are a list': list([member({ Labels: ['com.docker.compose.service=chat'] })], []),
  'a name for a terminal': list([member({ Names: [`/\u001b[2J\r\n${placeholder}`] })], []),
} as const satisfies Readonly<Record<string, List>>
export type ListName = keyof typeof lists
