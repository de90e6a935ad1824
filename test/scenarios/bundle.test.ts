import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')
/** All that the bundle does not hold. */
const packages = ['better-sqlite3-multiple-ciphers', '@matrixai']

describe('the bundle', () => {
  let folder: string
  let daemon: ChildProcess

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-bundle-'))
    execFileSync(process.execPath, [join(root, 'tools/bundle.js'), join(folder, 'dist')])
    cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
    cpSync(join(root, 'package.json'), join(folder, 'package.json'))
    mkdirSync(join(folder, 'node_modules'))
    for (const name of packages) {
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    }
  })

  after(async () => {
    if (daemon && daemon.exitCode === null) {
      daemon.kill('SIGTERM')
      await once(daemon, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })

  const program = () => [join(folder, 'bin/rekeyd.js')]
  const rekeyd = (...args: string[]) =>
    execFileSync(process.execPath, [...program(), ...args], { cwd: folder, encoding: 'utf8' })

  const ask = async (path: string): Promise<[status: number | undefined, body: string]> => {
    const asked = request({ socketPath: join(folder, 'var/admin.sock'), path, agent: false }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    return [answer.statusCode, await text(answer)]
  }

  it('runs the daemon, and rotates what needs its children and its late imports', async () => {
    daemon = spawn(process.execPath, [...program(), 'run', '--quickstart'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await new Promise<void>((resolve, reject) => {
      daemon.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('rotation succeeded')) resolve()
      })
      daemon.once('exit', () => reject(new Error('the daemon ended')))
    })
    for (const name of ['db-key', 'tls']) {
      const { result } = JSON.parse(rekeyd('rotate', name, '--json')) as { result: string }
      assert.equal(result, 'succeeded')
    }
  })

  it('serves the status page with all that it loads', async () => {
    const [, page] = await ask('/')
    const loaded = [...page.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(
      ([, path = '']) => path,
    )
    assert.equal(loaded.length, 3)
    for (const path of [...loaded, '/page/ask.js', '/page/live.js', '/page/perform.js']) {
      assert.equal((await ask(path))[0], 200, path)
    }
  })

  it('answers with the schema of the config', () => {
    const schema = JSON.parse(rekeyd('schema')) as { properties: object }
    assert.ok('materials' in schema.properties)
  })
})
