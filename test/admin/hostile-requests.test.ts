import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { listenAdmin } from '../../src/admin/listen-admin.ts'
import { listenHttp } from '../../src/admin/listen-http.ts'
import { listenMetrics } from '../../src/admin/listen-metrics.ts'
import { addToken } from '../../src/api-tokens/edit-token-file.ts'
import { systemClock } from '../../src/support/clock.ts'
import { FakeScraped } from '../fakes/fake-scraped.ts'
import { scratchOptions } from './scratch-app.ts'
import { newToken } from './scratch-tokens.ts'

const { secret, token } = newToken('boss', { scope: 'admin' })
const canary = 'CANARY-c3f1'

let folder: string
let scratch: ReturnType<typeof scratchOptions>
let sockets: Socket[]
/** Every listener: what a client connects to, and the lines that it must send. */
let doors: Readonly<
  Record<'socket' | 'http' | 'metrics', { to: string | number; lines: readonly string[] }>
>
let open: { close(): Promise<void> }[]

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-hostile-'))
  scratch = scratchOptions()
  const options = { ...scratch.options, clock: systemClock }
  const path = join(folder, 'admin.sock')
  const tokens = join(folder, 'tokens.yaml')
  await addToken(tokens, token)
  const http = await listenHttp(options, { host: '127.0.0.1', port: 0, tokens, hosts: [] })
  const metrics = await listenMetrics({ host: '127.0.0.1', port: 0 }, new FakeScraped())
  const socket = await listenAdmin({ ...options, socket: { path, mode: 0o600 } })
  open = [http, metrics, socket]
  const ours = ['Host: localhost']
  doors = {
    socket: { to: path, lines: ours },
    http: {
      to: Number(new URL(http.url).port),
      lines: [...ours, `Authorization: Bearer ${secret}`],
    },
    metrics: { to: Number(new URL(metrics.url).port), lines: ours },
  }
})
after(async () => {
  for (const one of open) await one.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  scratch.fake.calls.length = 0
  sockets = []
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
})

type Door = keyof typeof doors

async function dial(door: Door): Promise<Socket> {
  const { to } = doors[door]
  const socket = typeof to === 'string' ? connect(to) : connect(to, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** All that comes back before the end. */
async function answerOf(socket: Socket): Promise<string> {
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}

async function send(door: Door, bytes: string): Promise<string> {
  const socket = await dial(door)
  // Half closed: whoever has said everything may still want the answer.
  socket.end(bytes)
  return answerOf(socket)
}

const statusesOf = (answer: string) =>
  [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))

function request(door: Door, line: string, headers: readonly string[] = [], body = ''): string {
  const head = [`${line} HTTP/1.1`, ...doors[door].lines, ...headers]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

const posting = ['Content-Type: application/json', 'Connection: close']
const pause = 'POST /v1/pause'
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

describe('a body', () => {
  const large = `{"reason":"${'x'.repeat(64 * 1024)}"}`
  for (const door of ['socket', 'http'] as const) {
    it(`over 64 KiB is refused on the ${door}, announced or in chunks`, async () => {
      const announced = request(door, pause, [...posting, `Content-Length: ${large.length}`], large)
      assert.deepEqual(statusesOf(await send(door, announced)), [413])
      const pieces =
        large
          .match(/[^]{1,1000}/g)
          ?.map(chunk)
          .join('') ?? ''
      const chunked = [...posting, 'Transfer-Encoding: chunked']
      const endless = await dial(door)
      endless.on('error', () => {})
      endless.write(request(door, pause, chunked, pieces))
      const [answer] = (await once(endless, 'data')) as [Buffer]
      assert.match(String(answer), /^HTTP\/1\.1 413 /)
      assert.deepEqual(scratch.fake.calls, [])
    })

    it(`of exactly 64 KiB is read on the ${door}`, async () => {
      const body = `{"reason":${' '.repeat(64 * 1024 - 15)}"ok"}`
      assert.equal(body.length, 64 * 1024)
      const text = request(door, pause, [...posting, `Content-Length: ${body.length}`], body)
      assert.deepEqual(statusesOf(await send(door, text)), [204])
    })

    it(`with two lengths, or chunks that are none, is refused on the ${door}`, async () => {
      const body = '{"reason":"smuggled"}'
      for (const [headers, sent] of [
        [[`Content-Length: ${body.length}`, 'Content-Length: 5'], body],
        [[`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'], chunk(body)],
        [['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunk(body)],
        [['Transfer-Encoding: xchunked'], body],
        [['Transfer-Encoding: chunked'], `ffffffffffffffffff\r\n${body}`],
        [['Transfer-Encoding: chunked'], `-1\r\n${body}`],
        [['Content-Length: -1'], body],
        [['Content-Length: 0x15'], body],
        [['Content-Length : 21'], body],
        [[`Content-Length: ${body.length}`, ' X-Folded: 1'], body],
      ] as const) {
        const answer = await send(door, request(door, pause, [...posting, ...headers], sent))
        assert.deepEqual(statusesOf(answer), [400], headers.join())
        assert.deepEqual(scratch.fake.calls, [], headers.join())
      }
    })
  }
})

describe('requests on one connection', () => {
  it('are answered in order, the unauthorised among them, too', async () => {
    const good = request('http', 'GET /healthz')
    const bad = 'GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const last = request('http', 'GET /v1/none', ['Connection: close'])
    const statuses = statusesOf(await send('http', (good + bad).repeat(20) + last))
    assert.equal(statuses.length, 41)
    assert.deepEqual(
      statuses.map((status, index) =>
        index % 2 === 0 ? status : status === 401 || status === 429,
      ),
      statuses.map((_, index) => (index === 40 ? 404 : index % 2 === 0 ? 200 : true)),
    )
    assert.deepEqual(scratch.fake.calls, [])
  })

  it('do nothing after one that cannot be read', async () => {
    for (const door of ['socket', 'http'] as const) {
      const follow = request(door, pause, [...posting, 'Content-Length: 17'], '{"reason":"evil"}')
      const answer = await send(door, `${request(door, 'GE T /')}${follow}`)
      assert.deepEqual(statusesOf(answer), [400])
    }
    assert.deepEqual(scratch.fake.calls, [])
  })
})

describe('a head', () => {
  it('with a header twice that says who asks, or whom, is refused over TCP', async () => {
    for (const header of [
      `Authorization: Bearer ${secret}`,
      'Authorization: Bearer rekeyd_other',
      'Host: evil.example.com',
      'HOST: localhost',
    ]) {
      const answer = await send(
        'http',
        request('http', 'GET /v1/status', [header, 'Connection: close']),
      )
      assert.deepEqual(statusesOf(answer), [400], header)
    }
    assert.deepEqual(scratch.fake.calls, [])
  })

  it('without a Host, or with that of another in the address itself, is refused over TCP', async () => {
    const authorization = doors.http.lines[1]
    for (const [line, status] of [
      ['GET /healthz HTTP/1.1', 400],
      ['GET /healthz HTTP/1.0', 421],
      ['GET http://evil.example.com/v1/status HTTP/1.1\r\nHost: localhost', 421],
      ['GET http://localhost/v1/status HTTP/1.1\r\nHost: localhost', 421],
      ['OPTIONS * HTTP/1.1\r\nHost: localhost', 421],
      ['GET /healthz HTTP/1.1\r\nHost:', 421],
      ['GET /healthz HTTP/1.1\r\nHost: evil.example.com', 421],
    ] as const) {
      const answer = await send('http', `${line}\r\n${authorization}\r\nConnection: close\r\n\r\n`)
      assert.deepEqual(statusesOf(answer), [status], line)
    }
    assert.deepEqual(scratch.fake.calls, [])
  })

  it('gets no scrape for a name that is not of this host', async () => {
    for (const [host, status] of [
      ['localhost', 200],
      ['127.0.0.1', 200],
      ['evil.example.com', 421],
      ['localhost:1', 421],
    ] as const) {
      const text = `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
      assert.deepEqual(statusesOf(await send('metrics', text)), [status], host)
    }
  })

  it('that expects something gets past no check', async () => {
    for (const [door, line, status] of [
      ['socket', 'GET /healthz', 200],
      ['http', 'GET /v1/none', 404],
      ['metrics', 'GET /none', 404],
    ] as const) {
      const text = request(door, line, ['Expect: the-unexpected', 'Connection: close'])
      const answer = await send(door, text)
      assert.deepEqual(statusesOf(answer), [status])
    }
    const stranger =
      'GET /v1/status HTTP/1.1\r\nHost: evil\r\nExpect: x\r\nConnection: close\r\n\r\n'
    assert.deepEqual(statusesOf(await send('http', stranger)), [421])
  })

  it('asks for no other protocol, and for no other host', async () => {
    for (const door of ['socket', 'http', 'metrics'] as const) {
      const upgrade = [
        'Connection: Upgrade, close',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
      ]
      assert.deepEqual(statusesOf(await send(door, request(door, 'GET /healthz', upgrade))), [200])
      assert.deepEqual(statusesOf(await send(door, request(door, 'CONNECT evil.com:443'))), [])
    }
  })
})

describe('an answer to what is no request', () => {
  for (const door of ['socket', 'http', 'metrics'] as const) {
    it(`on the ${door} quotes nothing, and ends the connection although the client does not`, async () => {
      const socket = await dial(door)
      socket.write(`${canary}\r\n\r\n`)
      const answer = await answerOf(socket)
      assert.deepEqual(statusesOf(answer), [400])
      assert.match(answer, /application\/problem\+json/)
      assert.ok(!answer.includes(canary))
      assert.equal(/^Rekeyd-Audit-Head: 7:abc\r$/m.test(answer), door !== 'metrics')
    })
  }
})

describe('what Node would answer by itself', () => {
  const host = 'Host: localhost'
  /** As it is sent, and what is answered: 0 is a connection that is closed without an answer. */
  const table: readonly (readonly [name: string, head: string, status: number])[] = [
    ['no Host', 'GET /healthz HTTP/1.1', 400],
    ['no Host at an unknown address', 'GET /none HTTP/1.1', 400],
    ['no Host, of an unknown version', 'GET /healthz HTTP/1.2', 400],
    ['two Hosts', `GET /healthz HTTP/1.1\r\n${host}\r\n${host}`, 400],
    ['an Expect that nobody knows', `GET /none HTTP/1.1\r\n${host}\r\nExpect: x`, 404],
    ['an Upgrade', `GET /none HTTP/1.1\r\n${host}\r\nConnection: Upgrade\r\nUpgrade: h2c`, 404],
    ['CONNECT', `CONNECT evil.example.com:443 HTTP/1.1\r\n${host}`, 0],
    [
      'a length and chunks',
      `POST /none HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked`,
      400,
    ],
    [
      'two lengths',
      `POST /none HTTP/1.1\r\n${host}\r\nContent-Length: 1\r\nContent-Length: 2`,
      400,
    ],
    ['headers over the limit', `GET / HTTP/1.1\r\n${host}\r\nX: ${'x'.repeat(17_000)}`, 431],
    ['a method that nobody knows', `BREW / HTTP/1.1\r\n${host}`, 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM', 400],
    ['an address that cannot be decoded', `GET /%zz HTTP/1.1\r\n${host}`, 400],
  ]
  for (const door of ['socket', 'http', 'metrics'] as const) {
    it(`comes with a word of ours on the ${door}, or is closed by design`, async () => {
      const authorization = doors[door].lines.slice(1)
      for (const [name, head, status] of table) {
        const answer = await send(door, `${[head, ...authorization].join('\r\n')}\r\n\r\n`)
        if (status === 0) {
          assert.equal(answer, '', name)
          continue
        }
        const [first] = statusesOf(answer)
        // The metrics know two addresses only.
        const isUnknown = door === 'metrics' && first === 404 && name.includes('address')
        assert.ok(first === status || isUnknown, `${name}: ${answer}`)
        assert.match(answer, /^content-type: application\/problem\+json/im, name)
        assert.equal(/^Rekeyd-Audit-Head: 7:abc\r$/im.test(answer), door !== 'metrics', name)
        const body = JSON.parse(answer.slice(answer.lastIndexOf('\r\n\r\n'))) as { status: number }
        assert.equal(body.status, first, name)
      }
      assert.deepEqual(scratch.fake.calls, [])
    })
  }

  it('is old enough not to name us', async () => {
    assert.deepEqual(statusesOf(await send('socket', 'GET /healthz HTTP/1.0\r\n\r\n')), [200])
  })
})

describe('a client that sends slowly', () => {
  it('is cut off after some seconds, in the head or in the body', async () => {
    const began = performance.now()
    const slow = (['socket', 'http', 'metrics'] as const).flatMap((door) =>
      [
        'GET /healthz HTTP/1.1\r\nX: ',
        request(door, pause, ['Content-Type: application/json', 'Content-Length: 50'], '{'),
      ].map(async (start) => {
        const socket = await dial(door)
        socket.on('error', () => {})
        socket.write(start)
        const drip = setInterval(() => socket.write('x'), 500)
        const answer = await answerOf(socket)
        clearInterval(drip)
        return { door, answer, took: performance.now() - began }
      }),
    )
    for (const { door, answer, took } of await Promise.all(slow)) {
      assert.ok(took < 16_000, `${door}: ${took} ms`)
      const statuses = statusesOf(answer).filter((status) => door !== 'metrics' || status !== 404)
      assert.deepEqual(statuses, [408], answer)
    }
    assert.deepEqual(scratch.fake.calls, [])
  })
})
