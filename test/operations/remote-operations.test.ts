import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { listenAdmin } from '../../src/admin/listen-admin.ts'
import { RemoteOperations, reachable } from '../../src/operations/remote-operations.ts'
import { type ErrorKind, OperatorError } from '../../src/support/operator-error.ts'
import { scratchOptions } from '../admin/scratch-app.ts'
import { describeOperations } from '../contracts/operations.ts'

describeOperations('RemoteOperations', async (local, { scratch }) => {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-remote-'))
  const path = join(folder, 'admin.sock')
  const listener = await listenAdmin({
    ...scratchOptions().options,
    socket: { path, mode: 0o600 },
    operations: () => local,
    events: scratch.events,
  })
  return {
    operations: new RemoteOperations(path),
    async dispose() {
      await listener.close()
      await rm(folder, { recursive: true })
    },
  }
})

describe('RemoteOperations', () => {
  let folder: string
  let path: string
  let server: Server
  let asked: string[]
  /** What the daemon answers; by default never. */
  let answer: (request: IncomingMessage, response: ServerResponse) => void

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-remote-'))
    path = join(folder, 'admin.sock')
    asked = []
    answer = () => {}
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      answer(request, response)
    })
    server.listen(path)
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => void server.close(resolve))
    await rm(folder, { recursive: true })
  })

  const remote = () => new RemoteOperations(path)
  const json = (value: object) => (_: IncomingMessage, response: ServerResponse) => {
    response.end(JSON.stringify(value))
  }

  it('asks again until the rotation has ended', async () => {
    let polls = 0
    answer = (request, response) =>
      json(++polls < 3 ? { id: 'a' } : { id: 'a', result: 'failed' })(request, response)
    assert.equal((await remote().wait('a')).result, 'failed')
    assert.deepEqual(
      asked,
      Array.from({ length: 3 }, () => 'GET /v1/rotations/a?wait=1'),
    )
  })

  it('stops waiting when it is told to', async () => {
    const stop = new AbortController()
    answer = () => stop.abort(new Error('enough'))
    await assert.rejects(remote().wait('a', stop.signal), /enough/)
    await assert.rejects(remote().wait('a', stop.signal), /enough/)
    assert.equal(asked.length, 1)
  })

  it('asks for page after page', async () => {
    const ids = Array.from({ length: 1_200 }, (_, index) => `r${index}`)
    answer = ({ url = '' }, response) => {
      const query = new URL(url, 'http://daemon').searchParams
      const from = ids.indexOf(query.get('cursor') ?? '') + 1
      const page = ids.slice(from, from + Number(query.get('limit')))
      const rest = from + page.length < ids.length ? { next_cursor: page.at(-1) } : {}
      response.end(JSON.stringify({ rotations: page.map((id) => ({ id })), ...rest }))
    }
    const found = await remote().history({ limit: 1_100 })
    assert.deepEqual(
      found.map(({ id }) => id),
      ids.slice(0, 1_100),
    )
    assert.equal(asked.length, 3)
    assert.equal((await remote().history({ limit: 5_000 })).length, 1_200)
  })

  it('asks for row after row of the audit log', async () => {
    answer = ({ url = '' }, response) => {
      const query = new URL(url, 'http://daemon').searchParams
      const after = Number(query.get('after'))
      const length = Math.min(Number(query.get('limit')), 600 - after)
      const rows = Array.from({ length }, (_, index) => ({ seq: after + index + 1 }))
      response.end(JSON.stringify({ rows }))
    }
    assert.equal((await remote().audit(0, 10_000)).length, 600)
    assert.equal((await remote().audit(10, 550)).at(-1)?.seq, 560)
  })

  it('names its caller in the characters that the daemon takes', async () => {
    const names: (string | undefined)[] = []
    answer = (request, response) => {
      names.push(request.headers['x-rekeyd-caller'] as string | undefined)
      response.writeHead(204).end()
    }
    for (const who of ['cli:alice', 'cli:AD\\jörg', `cli:${'x'.repeat(100)}`, 'cli:']) {
      await remote().approve('key', { who })
    }
    assert.deepEqual(names, ['alice', 'AD_j_rg', 'x'.repeat(64), undefined])
  })

  it('means files by where it runs, not where the daemon does', async () => {
    const bodies: unknown[] = []
    answer = (request, response) => {
      request.on('data', (chunk) => bodies.push(JSON.parse(String(chunk))))
      request.on('end', () => response.end('{"version":1}'))
    }
    const caller = { who: 'cli:alice' }
    const parts = [{ part: 'certificate', path: 'chain.pem' }]
    await remote().import('key', parts, { accept_impact: 'key' }, caller)
    await remote().reveal('key', undefined, undefined, undefined, 'out', caller)
    assert.deepEqual(bodies, [
      { parts: [{ part: 'certificate', path: resolve('chain.pem') }], accept_impact: 'key' },
      { out: resolve('out') },
    ])
  })

  it('takes an answer for an error when it cannot be understood', async () => {
    for (const [status, text] of [
      [200, 'not json'],
      [500, '<html>'],
      [502, '{"detail":7,"kind":"busy"}'],
      [502, '{"detail":"x","kind":"toString"}'],
      [301, '{}'],
      [200, 'null'],
    ] as const) {
      answer = (_, response) => response.writeHead(status).end(text)
      await assert.rejects(remote().status(), isError('failed', String(status)))
    }
  })

  it('calls a daemon that is not there, or goes away, unreachable', async () => {
    answer = ({ socket }) => socket.destroy()
    await assert.rejects(remote().status(), isError('locked', 'went away'))
    answer = ({ socket }, response) => {
      response.write('{"half":')
      setImmediate(() => socket.destroy())
    }
    await assert.rejects(remote().status(), isError('locked', 'went away'))
    const nowhere = new RemoteOperations(join(folder, 'absent.sock'))
    await assert.rejects(nowhere.status(), isError('locked', 'no daemon answers'))
  })

  it('tells whether a daemon answers', async () => {
    answer = (_, response) => response.writeHead(503).end()
    assert.equal(await reachable(path), true)
    answer = ({ socket }) => socket.destroy()
    assert.equal(await reachable(path), false)
    assert.equal(await reachable(join(folder, 'absent.sock')), false)
    assert.equal(await reachable(folder), false)
  })

  it('loads neither fastify, zod, config nor SQLite', () => {
    const module = new URL('../../src/operations/remote-operations.ts', import.meta.url)
    const script = `
      import { registerHooks } from 'node:module'
      const seen = []
      registerHooks({ load: (url, context, next) => (seen.push(url), next(url, context)) })
      await import(${JSON.stringify(module.href)})
      console.log(seen.filter((url) => !url.startsWith('node:')).join('\\n'))`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script])
    const loaded = output.toString().trim().split('\n')
    assert.ok(loaded.length > 1 && loaded.length < 8, output.toString())
    assert.ok(
      loaded.every((url) => /\/src\/(operations|support)\//.test(url)),
      output.toString(),
    )
  })
})

function isError(kind: ErrorKind, part: string) {
  return (error: unknown) => {
    assert.ok(error instanceof OperatorError, String(error))
    assert.equal(error.kind, kind)
    assert.ok(error.message.includes(part), error.message)
    return true
  }
}
