import assert from 'node:assert/strict'
import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { StatusView } from '../../src/operations/views.ts'
import { FakeOperations } from './fake-operations.ts'

const root = resolve(import.meta.dirname, '../..')
const bin = join(root, 'bin/rekeyd.js')

/** Too heavy for a command that only asks the daemon. */
const heavy =
  /\/src\/(config|api-tokens|store|rotation|assembly|assemble|admin|metrics|scheduler|sqlcipher|quickstart|materials|targets|consumers|verifiers)\b|node_modules\/(zod|fastify|yaml|smol-toml|better-sqlite3|pino|@peculiar|node-forge|prom-client|@matrixai)/

/** JavaScript for `--import`. */
function preload(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`
}

async function run(argv: readonly string[], options: SpawnOptions = {}) {
  const child = spawn(process.execPath, argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text) => (stdout += text))
  child.stderr?.on('data', (text) => (stderr += text))
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, stdout, stderr }
}

describe('the way to a running daemon', () => {
  let directory = ''
  let status: StatusView | undefined
  const server = createServer((question, answer) => {
    const known = question.url?.startsWith('/v1/status') ? status : { status: 'ok' }
    answer.setHeader('content-type', 'application/json').end(JSON.stringify(known))
  })

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rekeyd-cli-'))
    status = await new FakeOperations().status()
    mkdirSync(join(directory, 'var'))
    server.listen(join(directory, 'var/admin.sock'))
    await once(server, 'listening')
  })
  after(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })

  it('loads neither config, zod, fastify nor SQLite', async () => {
    const trace = preload(`import { registerHooks } from 'node:module';
      registerHooks({
        load(url, context, next) { console.error('loads ' + url); return next(url, context) },
      })`)
    const { exit, stdout, stderr } = await run(['--import', trace, bin, 'status', '--json'], {
      cwd: directory,
      env: { HOME: directory, NODE_DISABLE_COMPILE_CACHE: '1' },
    })
    assert.equal(exit, 0, stderr)
    assert.equal(JSON.parse(stdout).materials.length, 7)
    const loaded = stderr.split('\n').filter((line) => line.startsWith('loads '))
    assert.ok(loaded.some((line) => line.endsWith('/remote-operations.ts')))
    assert.deepEqual(
      loaded.filter((line) => heavy.test(line)),
      [],
    )
  })
})

describe('the imports of the CLI', () => {
  it('reach nothing heavy without an `await import`', () => {
    const seen = new Set<string>()
    const visit = (path: string) => {
      if (seen.has(path)) return
      seen.add(path)
      const source = readFileSync(path, 'utf8')
      const imports = /^(?:import|export)\s(?!type\b)[^'"]*?from '(?<from>[^']+)'/gms
      for (const { groups } of source.matchAll(imports)) {
        const from = groups?.['from'] ?? ''
        if (from.startsWith('.')) visit(resolve(dirname(path), from))
        else if (!from.startsWith('node:')) seen.add(`/node_modules/${from}`)
      }
    }
    visit(join(root, 'src/main.ts'))
    visit(join(root, 'src/operations/remote-operations.ts'))
    assert.ok(seen.size > 40, 'the walk has found the commands')
    const found = [...seen].filter((path) => heavy.test(path))
    assert.deepEqual(
      found.map((path) => relative(root, path)),
      [],
    )
  })
})

describe('bin/rekeyd.js', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'rekeyd-bin-'))
  })
  after(() => rmSync(directory, { recursive: true }))

  it('refuses an old Node in two lines', async () => {
    const older = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' })`
    const { exit, stderr } = await run(['--import', preload(older), bin, 'status'])
    assert.equal(exit, 2)
    assert.match(
      stderr,
      /^error: rekeyd needs Node 24 or newer, and this is 20\.20\.2\nhint: .+\n$/,
    )
  })

  it('keeps compiled code in a folder of its own', async () => {
    const cache = join(directory, 'cache')
    const { exit } = await run([bin, '--version'], { env: { CACHE_DIRECTORY: cache } })
    assert.equal(exit, 0)
    assert.equal(statSync(cache).mode & 0o777, 0o700)
    assert.notDeepEqual(readdirSync(cache), [])
  })

  it('uses no folder that others may write to, or could replace', async () => {
    const open = join(directory, 'open')
    mkdirSync(join(open, 'cache'), { recursive: true })
    chmodSync(open, 0o777)
    for (const cache of [open, join(open, 'cache')]) {
      const { exit } = await run([bin, '--version'], { env: { CACHE_DIRECTORY: cache } })
      assert.equal(exit, 0)
    }
    assert.deepEqual(readdirSync(open), ['cache'])
    assert.deepEqual(readdirSync(join(open, 'cache')), [])
  })

  it('lets no signal open the inspector, and keeps the environment out of reports', async () => {
    const look = `process.on('exit', () => console.error(
      process.listenerCount('SIGUSR1'), process.report.excludeEnv))`
    const { stderr } = await run(['--import', preload(look), bin, '--version'])
    assert.equal(stderr, '1 true\n')
  })

  it('is no error for whoever reads only the first line', async () => {
    const pipe = `${process.execPath} ${bin} --help | head -1`
    const child = spawn('sh', ['-c', pipe], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (text) => (stderr += text))
    child.stdout.resume()
    await once(child, 'close')
    assert.equal(stderr, '')
  })
})
