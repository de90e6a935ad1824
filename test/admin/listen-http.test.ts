import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { TcpOptions } from '../../src/admin/admin-app.ts'
import { AdminHttp } from '../../src/admin/admin-http.ts'
import { type HttpListener, listenHttp } from '../../src/admin/listen-http.ts'
import { addToken, revokeToken } from '../../src/api-tokens/edit-token-file.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { testCertificate } from '../fakes/test-certificate.ts'
import { needs } from '../support/parts.ts'
import { scratchOptions } from './scratch-app.ts'
import { newToken } from './scratch-tokens.ts'

let folder: string
let tokens: string
let scratch: ReturnType<typeof scratchOptions>
let open: { close(): Promise<void> }[]
let sockets: Socket[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-http-'))
  tokens = join(folder, 'tokens.yaml')
  scratch = scratchOptions()
  open = []
  sockets = []
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const one of open) await one.close()
  await rm(folder, { recursive: true })
})

const local = () => ({ host: '127.0.0.1', port: 0, tokens, hosts: [] })

async function listen(different: Partial<TcpOptions> = {}): Promise<HttpListener> {
  const listener = await listenHttp(scratch.options, { ...local(), ...different })
  open.push(listener)
  return listener
}

async function ask(url: string, headers: Readonly<Record<string, string>> = {}) {
  const send = url.startsWith('https:') ? tlsRequest : plainRequest
  const question = send(url, { headers, agent: false, rejectUnauthorized: false }).end()
  const [answer] = await once(question, 'response')
  return { status: answer.statusCode as number, body: await text(answer), headers: answer.headers }
}

describe('listenHttp', () => {
  it('answers whoever shows a token, at the address that it names', async () => {
    const { secret, token } = newToken('grafana')
    await addToken(tokens, token)
    const { url } = await listen()
    assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/$/)
    const authorization = `Bearer ${secret}`
    assert.equal((await ask(`${url}v1/status`, { authorization })).status, 200)
    assert.equal((await ask(`${url}healthz`)).status, 200)
    assert.equal((await ask(`${url}v1/status`)).status, 401)
    await revokeToken(tokens, 'grafana')
    assert.equal((await ask(`${url}v1/status`, { authorization })).status, 401)
  })

  it('answers on IPv6, and to the names that were given', async () => {
    const { url } = await listen({ host: '::1', hosts: ['rekeyd.example.com', 'front:8443'] })
    assert.match(url, /^http:\/\/\[::1\]:\d+\/$/)
    const { port } = new URL(url)
    for (const host of [`rekeyd.example.com:${port}`, 'front:8443', 'localhost', `[::1]:${port}`]) {
      assert.equal((await ask(`${url}healthz`, { host })).status, 200, host)
    }
    for (const host of ['rekeyd.example.com:1', 'front', 'evil.example.com']) {
      const { status, body } = await ask(`${url}healthz`, { host })
      assert.equal(status, 421, host)
      assert.ok(!body.includes(host), body)
    }
  })

  it('lets nobody in while the tokens are unreadable, and tells the client no path', async () => {
    const { secret, token } = newToken('grafana')
    await addToken(tokens, token)
    await chmod(tokens, 0o666)
    const { url } = await listen()
    const answer = await ask(`${url}v1/status`, { authorization: `Bearer ${secret}` })
    assert.equal(answer.status, 503)
    assert.ok(!answer.body.includes(folder))
    assert.match(scratch.logged[0]?.fields['reason'] ?? '', /mode 0666 lets others/)
    assert.equal((await ask(`${url}healthz`)).status, 200)
  })

  it('names the address that is taken, and what to change', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await assert.rejects(listen({ port }), (error) => {
      assert.ok(error instanceof OperatorError)
      assert.equal(error.kind, 'config')
      assert.match(error.message, new RegExp(`the admin API on 127\\.0\\.0\\.1:${port}: another`))
      assert.match(error.hint ?? '', /admin\.http\.listen/)
      return true
    })
    other.close()
    await assert.rejects(listen({ host: '192.0.2.1' }), /192\.0\.2\.1/)
  })

  it('keeps a valid token from waiting behind 64 slow clients', async () => {
    const { secret, token } = newToken('grafana')
    await addToken(tokens, token)
    const { url } = await listen()
    for (let index = 0; index < 64; index += 1) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      sockets.push(socket.on('error', () => {}))
      await once(socket, 'connect')
      socket.write('POST /v1/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{')
    }
    for (let index = 0; index < 10; index += 1) {
      const { status } = await ask(`${url}v1/status`, { authorization: `Bearer ${secret}` })
      assert.equal(status, 200)
    }
  })
})

describe('listenHttp with TLS', needs('openssl'), () => {
  const files = () => ({ certificate: join(folder, 'tls.pem'), key: join(folder, 'tls.key') })

  async function install({ cert, key }: { cert: string; key: string }): Promise<void> {
    await writeFile(files().key, key, { mode: 0o600 })
    await writeFile(files().certificate, cert)
  }

  async function handshake(url: string, options = {}): Promise<TLSSocket> {
    const port = Number(new URL(url).port)
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    sockets.push(socket)
    await once(socket, 'secureConnect')
    return socket
  }
  const served = async (url: string) =>
    (await handshake(url)).getPeerX509Certificate()?.toString().trim()

  it('shows its certificate, and takes no old protocol', async () => {
    const pair = testCertificate()
    await install(pair)
    const { url } = await listen({ tls: files() })
    assert.match(url, /^https:/)
    assert.equal(await served(url), pair.cert.trim())
    assert.equal((await ask(`${url}healthz`)).status, 200)
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    await assert.rejects(handshake(url, old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  })

  it('takes a renewed certificate up by itself, but never half of one', async () => {
    const [first, second] = [testCertificate(), testCertificate()]
    await install(first)
    const { url } = await listen({ tls: files() })
    await writeFile(`${files().key}.new`, second.key, { mode: 0o600 })
    await rename(`${files().key}.new`, files().key)
    assert.equal(await served(url), first.cert.trim())
    assert.equal(await served(url), first.cert.trim())
    assert.equal(scratch.logged.length, 1)
    assert.match(JSON.stringify(scratch.logged), /no certificate and its key: key values mismatch/)
    await writeFile(files().certificate, second.cert)
    assert.equal(await served(url), second.cert.trim())
    await rm(files().key)
    assert.equal(await served(url), second.cert.trim())
    assert.equal(scratch.logged.length, 2)
  })

  it('does not start on a pair that does not fit, or a key that others can read', async () => {
    const [first, second] = [testCertificate(), testCertificate()]
    for (const [pair, mode, message] of [
      [{ cert: first.cert, key: second.key }, 0o600, /key values mismatch/],
      [{ cert: 'CANARY', key: first.key }, 0o600, /no certificate and its key/],
      [{ cert: first.cert, key: 'CANARY' }, 0o600, /no certificate and its key/],
      [first, 0o604, /can be read by everybody/],
    ] as const) {
      await install(pair)
      await chmod(files().key, mode)
      await assert.rejects(listen({ tls: files() }), (error) => {
        assert.ok(error instanceof OperatorError, String(error))
        assert.equal(error.kind, 'config')
        assert.match(error.message, message)
        assert.ok(!`${error.message}${error.hint}`.includes('CANARY'))
        return true
      })
    }
    await chmod(files().key, 0o600)
    await rm(files().certificate)
    await assert.rejects(listen({ tls: files() }), /cannot read .*tls\.pem: no such file/)
  })

  it('ends what is no TLS, or never becomes any, without a word', async () => {
    await install(testCertificate())
    const { url } = await listen({ tls: files() })
    const plain = connect(Number(new URL(url).port), '127.0.0.1')
    sockets.push(plain)
    plain.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    let answer = ''
    for await (const chunk of plain) answer += String(chunk)
    assert.ok(!answer.includes('HTTP'))
    for (let index = 0; index < 64; index += 1) {
      const silent = connect(Number(new URL(url).port), '127.0.0.1')
      sockets.push(silent.on('error', () => {}))
      await once(silent, 'connect')
    }
    assert.equal((await ask(`${url}healthz`)).status, 200)
    assert.deepEqual(scratch.logged, [])
  })

  it('takes the origin of a page with its scheme', async () => {
    await install(testCertificate())
    const { secret, token } = newToken('ops', { scope: 'admin' })
    await addToken(tokens, token)
    const { url } = await listen({ tls: files() })
    const post = async (origin: string) => {
      const headers = { authorization: `Bearer ${secret}`, origin }
      const question = tlsRequest(`${url}v1/resume`, {
        method: 'POST',
        headers,
        agent: false,
        rejectUnauthorized: false,
      }).end()
      const [answer] = await once(question, 'response')
      return answer.statusCode as number
    }
    assert.equal(await post(new URL(url).origin), 204)
    assert.equal(await post(new URL(url).origin.replace('https', 'http')), 403)
  })
})

describe('AdminHttp', () => {
  let http: AdminHttp
  beforeEach(() => {
    http = new AdminHttp(scratch.options)
    open.push(http)
  })

  const answers = async (url: string) =>
    ask(`${url}healthz`).then(
      () => true,
      () => false,
    )

  it('listens where the config says, moves, and ends', async () => {
    await http.apply(undefined)
    assert.equal(http.url, undefined)
    await http.apply(local())
    const first = http.url ?? ''
    assert.ok(await answers(first))
    await http.apply({ ...local(), host: '::1' })
    assert.match(http.url ?? '', /\[::1\]/)
    assert.ok(await answers(http.url ?? ''))
    assert.equal(await answers(first), false)
    const second = http.url ?? ''
    await http.apply(undefined)
    assert.equal(await answers(second), false)
  })

  it('leaves clients alone where nothing changed', async () => {
    await http.apply(local())
    const url = http.url ?? ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'connect')
    await http.apply(local())
    assert.equal(http.url, url)
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(String(answer), /200 OK/)
  })

  it('stays as it was where the new place cannot be had', async () => {
    await http.apply(local())
    await assert.rejects(http.apply({ ...local(), host: '192.0.2.1' }), /192\.0\.2\.1/)
    assert.ok(await answers(http.url ?? ''))
    const tls = { certificate: join(folder, 'none.pem'), key: join(folder, 'none.key') }
    await assert.rejects(http.apply({ ...local(), tls }), /none\.key/)
    assert.ok(await answers(http.url ?? ''))
  })
})
