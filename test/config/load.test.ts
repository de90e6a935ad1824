import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import { OperatorError } from '../../src/support/operator-error.ts'

const now = Date.parse('2026-11-22T00:00:00Z')
const day = 86_400_000
const path = 'rekeyd.yaml'

/** Every line of the documented sample, with values for its `…`. */
const sample = await readFile(join(import.meta.dirname, 'samples/interface.yaml'), 'utf8')
/** Without its comments. */
const supported = sample
  .split('\n')
  .map((line) => line.replace(/ *#.*/, ''))
  .join('\n')

const parse = (text: string) => parseConfig(Buffer.from(text), { path, now })
const minimal = (material: string, before = '') =>
  parse(`${before}\nmaterials:\n  one: { verify: none, ${material} }\n`)

describe('the documented sample', () => {
  it('resolves names, defaults and durations', async () => {
    const config = await parse(supported)
    const [tls, token, key, setup] = config.materials
    assert.equal(config.stateDir, '/var/lib/rekeyd')
    assert.deepEqual(config.socket, { path: '/run/rekeyd/admin.sock', mode: 0o600 })
    assert.deepEqual(config.http, {
      host: '127.0.0.1',
      port: 9471,
      tokens: '/etc/rekeyd/tokens.yaml',
      hosts: [],
    })
    assert.deepEqual(config.metrics, { host: '127.0.0.1', port: 9470 })
    assert.deepEqual(config.notices, {
      channels: [
        {
          type: 'ntfy',
          options: {
            url: 'https://ntfy.example.com/rekeyd',
            token: { file: '/etc/rekeyd/ntfy.token' },
            allow_http: false,
          },
        },
        {
          type: 'webhook',
          options: { url: 'https://example.com/hook', format: 'json', allow_http: false },
        },
      ],
      heartbeat: { url: 'https://hc.example.com/1', every: 3_600_000, allow_http: false },
      before: day,
      onSuccess: 'first',
    })
    assert.equal(tls?.schedule.type, 'on_change')
    assert.deepEqual(tls?.window, {
      name: 'night',
      cron: '0 3 * * *',
      duration: 2 * 3_600_000,
      timezone: 'Europe/Berlin',
    })
    assert.deepEqual(token?.consumers, ['chat-server', 'chat-bot'])
    assert.deepEqual(token?.kind, { type: 'token', options: { bytes: 32, alphabet: 'base64url' } })
    assert.equal(token?.approval, true)
    assert.equal(token?.announce, 7 * day)
    assert.equal(token?.keep, 30 * day)
    assert.equal(key?.keep, 400 * day)
    assert.deepEqual(
      key?.targets.map(({ type }) => type),
      ['sqlcipher', 'env'],
    )
    assert.deepEqual(setup?.consumers, ['chat-server'], 'those of the database')
    assert.deepEqual(config.consumers[0]?.timeouts, { stop: 90_000, start: 90_000, ready: 60_000 })
  })
})

describe('loadConfig', () => {
  it('fills in what a short config leaves out', async () => {
    const config = await minimal('kind: vapid, rotate: on_compromise')
    assert.deepEqual(config, {
      path,
      mode: 'rotate',
      stateDir: '/var/lib/rekeyd',
      storeKey: { credential: 'store-key' },
      socket: { path: '/run/rekeyd/admin.sock', mode: 0o600 },
      metrics: { host: '127.0.0.1', port: 9470 },
      recipients: [],
      windows: [],
      consumers: [],
      materials: [
        {
          name: 'one',
          kind: { type: 'vapid', options: {} },
          schedule: { type: 'on_compromise', options: 'on_compromise' },
          targets: [],
          consumers: [],
          verify: [],
          overlap: 0,
          keep: 30 * day,
          announce: 0,
          approval: false,
          onMissing: 'refuse',
          contains: [],
          public: false,
        },
      ],
    })
  })

  it('creates by default only what can be made again', async () => {
    const defaults = 'defaults: { on_missing: create }'
    const vapid = await minimal('kind: vapid, rotate: on_compromise', defaults)
    assert.equal(vapid.materials[0]?.onMissing, 'create')
    const key = 'kind: database-key, keep: 30d, rotate: on_compromise'
    assert.equal((await minimal(key, defaults)).materials[0]?.onMissing, 'refuse')
    const asked = await minimal(`${key}, on_missing: create`, defaults)
    assert.equal(asked.materials[0]?.onMissing, 'create')
  })

  it('takes a material out of the default window', async () => {
    const windows =
      'defaults: { window: night }\nwindows: { night: { cron: "0 3 * * *", duration: 1h, timezone: UTC } }'
    const inside = await minimal('kind: vapid, rotate: on_compromise', windows)
    const outside = await minimal('kind: vapid, rotate: on_compromise, window: none', windows)
    assert.equal(inside.materials[0]?.window?.name, 'night')
    assert.equal(outside.materials[0]?.window, undefined)
  })

  it('does not repeat a value that may be a secret', async () => {
    const error = await failure(`mode: ${'hunter2'.repeat(20)}\nmaterials: {}\n`)
    assert.match(error.message, /^rekeyd\.yaml:1:7: `mode`: what stands here is unknown; known/)
  })

  it('reads CRLF like LF', async () => {
    assert.deepEqual(await parse(supported.replaceAll('\n', '\r\n')), await parse(supported))
  })

  describe('a store key file', () => {
    let folder: string
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'rekeyd-load-'))
    })
    after(() => rm(folder, { recursive: true }))

    it('is refused where the config names it when others may read it', async () => {
      const key = join(folder, 'store.key')
      const config = join(folder, 'rekeyd.yaml')
      await writeFile(key, Buffer.alloc(32, 7), { mode: 0o600 })
      await writeFile(config, `store_key: { file: ${key} }\nmaterials: {}\n`, { mode: 0o600 })
      assert.deepEqual((await loadConfig({ path: config, now })).storeKey, { file: key })
      await chmod(key, 0o644)
      await assert.rejects(loadConfig({ path: config, now }), {
        kind: 'config',
        message: `${config}:1:20: the store key has mode 0644: others may read it; chmod 600 ${key}`,
      })
    })
  })
})

describe('an example', () => {
  const folder = join(import.meta.dirname, '../../deploy/examples')
  const isExample = (name: string) => name.endsWith('.yaml') && name !== 'reference.yaml'
  for (const file of readdirSync(folder).filter(isExample)) {
    it(`is a config that loads: ${file}`, async () => {
      const config = await parse(await readFile(join(folder, file), 'utf8'))
      assert.ok(config.materials.length > 0)
    })
  }
})

describe('a damaged sample', () => {
  it('is read, or refused with a place that is in the file', async () => {
    const damage = fc.record({
      at: fc.nat(supported.length - 1),
      length: fc.nat(12),
      put: fc.oneof(
        fc.constant(''),
        fc.string({ maxLength: 3 }),
        fc.constantFrom(
          '\t',
          ' ',
          ':',
          ': ',
          '- ',
          '\n',
          '{',
          ']',
          '*a',
          '&a ',
          '!x ',
          '"',
          '#',
          '~',
        ),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
        const text = damages.reduce(
          (text, { at, length, put }) => text.slice(0, at) + put + text.slice(at + length),
          supported,
        )
        const error = await parse(text).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (error !== undefined) assertLocated(error, text)
      }),
      { numRuns: 150 },
    )
  })

  it('is refused for each key with a letter too many', async () => {
    const keys = [...supported.matchAll(/(?<=^ *|[{,] |- )[a-z_]+(?=: ?)/gm)]
    const named = new Set(['night', 'token'])
    for (const { 0: key, index } of keys) {
      if (named.has(key) || /^ {2}$/.test(lineStart(index))) continue
      const text = `${supported.slice(0, index)}${key}x${supported.slice(index + key.length)}`
      // `where: { key: … }` holds names of columns.
      if (supported.slice(0, index).endsWith('where: { ')) continue
      const error = await failure(text)
      const line = supported.slice(0, index).split('\n').length
      assert.match(
        error.message,
        new RegExp(`^rekeyd\\.yaml:${line}:\\d+: `),
        `${key}x in line ${line}`,
      )
    }
  })
})

function lineStart(index: number): string {
  return supported.slice(supported.lastIndexOf('\n', index - 1) + 1, index)
}

async function failure(text: string): Promise<OperatorError> {
  try {
    await parse(text)
  } catch (error) {
    assert.ok(error instanceof OperatorError, String(error))
    return error
  }
  return assert.fail(`accepted:\n${text}`)
}

function assertLocated(error: unknown, text: string): void {
  assert.ok(error instanceof OperatorError, error instanceof Error ? error.stack : String(error))
  assert.equal(error.kind, 'config')
  const lines = text.split('\n')
  for (const message of error.message.split('\n')) {
    if (/^and \d+ more$/.test(message)) continue
    const [, line, column] = /^rekeyd\.yaml:(\d+):(\d+): \S/.exec(message) ?? []
    assert.ok(line && column, message)
    const found = lines[Number(line) - 1]
    assert.ok(found !== undefined && Number(column) <= found.length + 1, message)
  }
}
