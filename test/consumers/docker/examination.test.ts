import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Verb } from '../../../src/consumers/consumer.ts'
import { examineContainers } from '../../../src/consumers/docker/examination.ts'
import type { Place } from '../../../src/targets/target.ts'

describe('the examination of containers', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-compose-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const path = (name: string) => join(folder, name)
  const variable = (name: string): Place => ({ path: path(name), key: 'KEY', reads: 'environment' })
  const container = (...mounted: readonly string[]) => ({
    id: 'abc',
    name: 'chat-1',
    state: 'running',
    labels: {},
    mounted,
  })
  const examine = async (service: string, place: Place, verb: Verb = 'recreate') => {
    writeFileSync(path('compose.yaml'), `services:\n  server:\n${service}`)
    const options = { project_dir: folder, service: 'server' }
    const remarks = await examineContainers([container()], options, { verb, places: [place] })
    return remarks.map(({ level, check }) => `${level} ${check}`)
  }

  it('refuses a signal for a single file that is mounted: the old one stays', async () => {
    mkdirSync(path('tls'))
    writeFileSync(path('tls/key'), 'old')
    symlinkSync('tls/key', path('link'))
    const place: Place = { path: path('tls/key'), reads: 'file' }
    for (const source of ['tls/key', 'link']) {
      const found = await examineContainers([container(path(source))], undefined, {
        verb: 'signal',
        places: [place],
      })
      assert.deepEqual(
        found.map(({ level, check, hint = '' }) => [level, check, /mount the folder/.test(hint)]),
        [['failure', 'consumer-verb', true]],
      )
    }
    const uptake = { verb: 'signal' as const, places: [place] }
    assert.deepEqual(await examineContainers([container(path('tls'))], undefined, uptake), [])
    const restarted = { verb: 'restart' as const, places: [place] }
    assert.deepEqual(await examineContainers([container(place.path)], undefined, restarted), [])
  })

  it('finds a variable of env_file that `environment` sets, too', async () => {
    const list = '    env_file: chat.env\n    environment: ["KEY=literal"]\n'
    const map =
      '    env_file: [{ path: ./chat.env, required: false }]\n    environment: { KEY: literal }\n'
    for (const service of [list, map]) {
      assert.deepEqual(await examine(service, variable('chat.env')), ['failure variable-shadowed'])
    }
  })

  it('lets `environment` refer to what .env holds', async () => {
    for (const written of ['KEY: ${KEY}', 'KEY: "${KEY:-none}"', 'KEY: $KEY', 'KEY:', 'OTHER: x']) {
      assert.deepEqual(
        await examine(`    environment: { ${written} }\n`, variable('.env')),
        [],
        written,
      )
    }
    const shadowed = '    environment: { KEY: "$KEYS" }\n'
    assert.deepEqual(await examine(shadowed, variable('.env')), ['failure variable-shadowed'])
  })

  it('finds a file that the service does not read', async () => {
    assert.deepEqual(await examine('    image: chat\n', variable('chat.env')), [
      'warning variable-read',
    ])
  })

  it('says nothing of a compose file that it cannot read, or of another service', async () => {
    assert.deepEqual(await examine('   - [', variable('chat.env')), [])
    writeFileSync(path('compose.yaml'), 'services: { other: {} }\n')
    const options = { project_dir: folder, service: 'server' }
    const uptake = { verb: 'recreate' as const, places: [variable('chat.env')] }
    assert.deepEqual(await examineContainers([container()], options, uptake), [])
  })
})
