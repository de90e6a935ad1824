import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { EventLog } from '../../src/admin/event-log.ts'
import { listenAdmin } from '../../src/admin/listen-admin.ts'
import { Events } from '../../src/model/events.ts'
import type { Version } from '../../src/model/version.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { FakeOperations } from '../fakes/fake-operations.ts'
import { scratchOptions } from './scratch-app.ts'

let folder: string
let path: string
let fake: FakeOperations
let events: Events
let clock: FakeClock
let listeners: { close(): Promise<void> }[]
let sockets: Socket[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-admin-'))
  path = join(folder, 'admin.sock')
  fake = new FakeOperations()
  events = new Events()
  clock = new FakeClock()
  listeners = []
  sockets = []
})
afterEach(async () => {
  mock.restoreAll()
  for (const socket of sockets) socket.destroy()
  for (const listener of listeners) await listener.close()
  await rm(folder, { recursive: true })
})

async function listen(socket = { path, mode: 0o600 }) {
  const operations = () => fake.operations
  const options = { ...scratchOptions().options, socket, operations, events, clock }
  const listener = await listenAdmin(options)
  listeners.push(listener)
  return listener
}

async function open(): Promise<Socket> {
  const socket = connect(path)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** Sends bytes as they are; resolves with all that comes back before the end. */
async function sendRaw(text: string): Promise<string> {
  const socket = await open()
  socket.end(text)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}

const getting = (url: string) => `GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('listenAdmin', () => {
  it('makes a socket with exactly its mode, in a folder of its own', async () => {
    path = join(folder, 'run', 'rekeyd', 'admin.sock')
    await listen({ path, mode: 0o660 })
    const found = await stat(path)
    assert.ok(found.isSocket())
    assert.equal(found.mode & 0o777, 0o660)
    assert.equal((await stat(join(folder, 'run'))).mode & 0o777, 0o700)
    assert.equal((await stat(join(folder, 'run', 'rekeyd'))).mode & 0o777, 0o700)
    assert.match(await sendRaw(getting('/healthz')), /^HTTP\/1\.1 200 /)
  })

  it('gives the umask back', async () => {
    const before = process.umask()
    await listen()
    assert.equal(process.umask(), before)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('takes the place of a socket that a dead daemon left, and removes its own', async () => {
    const dead = createServer().listen(path)
    await once(dead, 'listening')
    await rename(path, `${path}.kept`)
    dead.close()
    await once(dead, 'close')
    await rename(`${path}.kept`, path)
    assert.ok(existsSync(path))
    const listener = await listen()
    assert.match(await sendRaw(getting('/healthz')), /^HTTP\/1\.1 200 /)
    await listener.close()
    assert.equal(existsSync(path), false)
  })

  it('leaves alone what is not its own', async () => {
    await writeFile(path, 'precious')
    await assert.rejects(listen(), (error: unknown) => isConfigError(error, /no socket/))
    assert.equal(await readFile(path, 'utf8'), 'precious')
    await rm(path)
    await mkdir(path)
    await assert.rejects(listen(), (error: unknown) => isConfigError(error, /no socket/))
  })

  it('does not take the socket of another program', async () => {
    const other = createServer((socket) => socket.end()).listen(path)
    await once(other, 'listening')
    try {
      await assert.rejects(listen(), (error: unknown) => isConfigError(error, /another program/))
      assert.ok(existsSync(path))
    } finally {
      other.close()
    }
  })

  it('says which path is too long, or cannot be made', async () => {
    path = join(folder, 'x'.repeat(108))
    await assert.rejects(listen(), (error: unknown) => isConfigError(error, /too long/))
    await writeFile(join(folder, 'file'), '')
    path = join(folder, 'file', 'run', 'admin.sock')
    await assert.rejects(listen(), (error: unknown) => {
      assert.ok(error instanceof OperatorError)
      assert.match(error.message, /^cannot listen on .*admin\.sock: not a directory/)
      return true
    })
  })

  it('answers what is not HTTP with a problem', async () => {
    await listen()
    for (const text of [
      'nonsense\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    ]) {
      const answer = await sendRaw(text)
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, text)
      assert.match(answer, /application\/problem\+json/)
    }
    const huge = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`
    assert.match(await sendRaw(huge), /^HTTP\/1\.1 431 /)
    assert.match(await sendRaw(getting('/v1/materials/%2e%2e')), /^HTTP\/1\.1 404 /)
    assert.match(await sendRaw(getting('/healthz')), /^HTTP\/1\.1 200 /)
  })

  it('takes a request that breaks off for no error of its own', async () => {
    const written = captureStderr()
    await listen()
    const socket = await open()
    const head = 'Host: x\r\nContent-Type: application/json\r\nContent-Length: 99'
    socket.write(`POST /v1/resume HTTP/1.1\r\n${head}\r\n\r\n{`)
    await settle()
    socket.destroy()
    await sendRaw(getting('/healthz'))
    assert.equal(written(), '')
    assert.deepEqual(fake.calls, [])
  })

  it('answers pipelined requests in order', async () => {
    await listen()
    const one = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    const answers = (await sendRaw(one.repeat(20) + getting('/v1'))).match(/HTTP\/1\.1 \d+/g)
    assert.deepEqual(answers?.slice(-2), ['HTTP/1.1 200', 'HTTP/1.1 404'])
    assert.equal(answers?.length, 21)
  })

  it('answers although 64 clients are slow, or say nothing', async () => {
    await listen()
    const slow: Socket[] = []
    for (let index = 0; index < 64; index += 1) slow.push(await open())
    for (const socket of slow.slice(0, 20)) socket.write('GET /heal')
    for (const socket of slow) socket.on('error', () => {})
    const closed = new Promise((resolve) => slow[0]?.once('close', resolve))
    assert.match(await sendRaw(getting('/healthz')), /^HTTP\/1\.1 200 /)
    await closed
    assert.equal(slow.filter(({ destroyed }) => !destroyed).length, 63)
  })

  it('closes although a client waits for a long answer', async () => {
    const asked = Promise.withResolvers<void>()
    fake.answers.rollback = () => {
      asked.resolve()
      return new Promise(() => {})
    }
    const listener = await listen()
    const socket = await open()
    socket.write('POST /v1/materials/key/rollback HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    await asked.promise
    const closed = listener.close()
    while (clock.sleeping === 0) await settle()
    await clock.advance(2_000)
    await closed
    assert.equal(existsSync(path), false)
  })

  it('closes without delay although clients wait for the end of a rotation', async () => {
    fake.answers.wait = () => new Promise(() => {})
    fake.answers.rotation = () => ({ id: 'abc123' })
    const listener = await listen()
    const poll = sendRaw(getting('/v1/rotations/abc123?wait=1'))
    while (clock.sleeping === 0) await settle()
    await listener.close()
    assert.match(await poll, /abc123/)
  })
})

type Reader = Parameters<EventLog['follow']>[0]

describe('GET /v1/events', () => {
  /** Follows the events; nothing of the body is read before `resume`. */
  async function follow(
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ asked: ClientRequest; answer: IncomingMessage }> {
    const asked = request({ socketPath: path, path: '/v1/events', headers, agent: false }).end()
    asked.on('error', () => {})
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    return { asked, answer }
  }

  async function textUntil(answer: IncomingMessage, end: RegExp): Promise<string> {
    let text = ''
    for await (const chunk of answer.iterator({ destroyOnReturn: false })) {
      text += String(chunk)
      if (end.test(text)) break
    }
    return text
  }

  const version: Version = {
    material: 'key',
    number: 2,
    state: 'active',
    compromised: false,
    origin: 'generated',
    fingerprint: 'sha256:00',
    attributes: {},
    createdAt: 0,
  }

  it('sends events as they happen, in the words of the API, without ticks', async () => {
    await listen()
    const { asked, answer } = await follow()
    assert.equal(answer.headers['content-type'], 'text/event-stream')
    events.emit('scheduler.tick', 1, { at: 1 })
    events.emit('version.active', 1_000, { version })
    events.emit('clock.suspect', 2_000, { suspect: true, reason: 'two\nlines' })
    const text = await textUntil(answer, /clock\.suspect[\s\S]*\n\n/)
    const frames = text.split('\n\n').filter((frame) => frame.includes('event:'))
    assert.equal(frames.length, 2)
    const [, name, data] = frames[0]?.split('\n') ?? []
    assert.equal(name, 'event: version.active')
    assert.deepEqual(JSON.parse(data?.replace('data: ', '') ?? ''), {
      type: 'version.active',
      at: '1970-01-01T00:00:01.000Z',
      material: 'key',
      version: {
        version: 2,
        state: 'active',
        compromised: false,
        origin: 'generated',
        fingerprint: 'sha256:00',
        attributes: {},
        created: '1970-01-01T00:00:00.000Z',
      },
    })
    assert.equal(frames[1]?.split('\n').length, 3)
    asked.destroy()
  })

  it('sends what was missed to whoever says what it saw last', async () => {
    await listen()
    const first = await follow()
    events.emit('clock.suspect', 1_000, { suspect: true })
    const [, id = ''] = /^id: (.+)$/m.exec(await textUntil(first.answer, /suspect/)) ?? []
    first.asked.destroy()
    events.emit('config.reloaded', 2_000, { ok: true })
    const again = await follow({ 'last-event-id': id })
    const text = await textUntil(again.answer, /config\.reloaded/)
    assert.ok(!text.includes('clock.suspect') && !text.includes('reset'))
    again.asked.destroy()
    const late = await follow({ 'last-event-id': 'of another run' })
    assert.match(await textUntil(late.answer, /data/), /\nevent: reset\n/)
    late.asked.destroy()
  })

  it('shows that it lives every 15 s', async () => {
    await listen()
    const { asked, answer } = await follow()
    await textUntil(answer, /: rekeyd\n\n/)
    await clock.advance(15_000)
    await textUntil(answer, /: rekeyd\n\n/)
    asked.destroy()
  })

  it('drops a client that does not read, and keeps nobody waiting', async () => {
    await listen()
    const { answer } = await follow()
    const { asked, answer: other } = await follow()
    other.resume()
    answer.pause()
    const place = '/x'.repeat(2_000)
    const dropped = new Promise((resolve) => answer.once('close', resolve))
    answer.on('error', () => {})
    let sent = 0
    for (; clock.sleeping === 2 && sent < 1_000; sent += 1) {
      events.emit('drift', 0, { material: 'key', where: 'target', place, found: true })
      await settle()
    }
    assert.equal(clock.sleeping, 1, 'the slow one is gone, the other is not')
    assert.ok(sent < 500, `${sent} events of 4 kB were kept for it`)
    answer.resume()
    await dropped
    asked.destroy()
  })

  it('forgets a client that went away', async (context) => {
    let listening = 0
    const original = Reflect.get(EventLog.prototype, 'follow')
    context.mock.method(EventLog.prototype, 'follow', function (this: EventLog, reader: Reader) {
      listening += 1
      const stop = original.call(this, reader)
      return () => {
        listening -= 1
        stop()
      }
    })
    await listen()
    const { asked } = await follow()
    assert.equal(listening, 1)
    asked.destroy()
    while (clock.sleeping > 0) await settle()
    await settle()
    assert.equal(listening, 0)
  })

  it('ends at once when the listener closes', async () => {
    const listener = await listen()
    const { answer } = await follow()
    answer.resume()
    const ended = once(answer, 'end')
    await listener.close()
    await ended
  })

  it('keeps half of the connections free for questions', async () => {
    await listen()
    const followed: ClientRequest[] = []
    for (let index = 0; index < 32; index += 1) followed.push((await follow()).asked)
    const { answer } = await follow()
    assert.equal(answer.statusCode, 503)
    answer.resume()
    for (const asked of followed) asked.destroy()
    while (clock.sleeping > 0) await settle()
    const { answer: again, asked } = await follow()
    assert.equal(again.statusCode, 200)
    asked.destroy()
  })
})

/** Keeps what is written to stderr from now to the end of the test. */
function captureStderr(): () => string {
  const { mock: written } = mock.method(process.stderr, 'write', () => true)
  return () => written.calls.map((call) => String(call.arguments[0])).join('')
}

function isConfigError(error: unknown, message: RegExp): boolean {
  assert.ok(error instanceof OperatorError, String(error))
  assert.equal(error.kind, 'config')
  assert.match(error.message, message)
  assert.match(error.hint ?? '', /admin\.socket\.path/)
  return true
}
