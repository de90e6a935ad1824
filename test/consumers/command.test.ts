import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { command } from '../../src/consumers/command.ts'
import { verbs } from '../../src/consumers/consumer.ts'
import { describeConsumer, place } from '../contracts/consumer.ts'

const never = new AbortController().signal
const create = (options: unknown) => command.create(command.schema.parse(options))
const sh = (text: string, ...args: string[]) => ['/bin/sh', '-c', text, 'script', ...args]

describeConsumer('command', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-consumer-'))
  const up = join(folder, 'up')
  await writeFile(up, '')
  return {
    consumer: create({ stop: sh('rm -f "$1"', up), start: sh(': >"$1"', up) }),
    isRunning: () => existsSync(up),
    dispose: () => rm(folder, { recursive: true }),
  }
})

describe('command consumer', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-consumer-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('runs the program of each verb', async () => {
    const log = join(folder, 'log')
    const says = (word: string) => sh('echo "$2" >>"$1"', log, word)
    const words = ['stop', 'start', 'restart', 'reload', 'signal', 'recreate']
    const consumer = create(Object.fromEntries(words.map((word) => [word, says(word)])))
    for (const verb of verbs) await consumer.apply(verb, never)
    const ran = readFileSync(log, 'utf8').trim().split('\n')
    assert.deepEqual(ran, ['signal', 'reload', 'restart', 'recreate', 'stop', 'start'])
  })

  it('takes everything but exit 0 for a failure', async () => {
    for (const status of [1, 2, 75]) {
      const consumer = create({ reload: sh(`exit ${status}`) })
      await assert.rejects(consumer.apply('reload', never), new RegExp(`exit ${status}`))
    }
  })

  it('offers only the verbs it has a program for', async () => {
    const consumer = create({ reload: sh('exit 0') })
    assert.equal(consumer.canStop, false)
    assert.ok(consumer.picksUp('reload', place('file')))
    for (const verb of ['signal', 'restart', 'recreate', 'stop-start'] as const) {
      assert.equal(consumer.picksUp(verb, place('file')), false)
      await assert.rejects(consumer.apply(verb, never), { kind: 'config' })
    }
  })

  it('finds a missing program when it checks', async () => {
    await assert.rejects(create({ reload: ['/no/such/program'] }).check(never), {
      message: '/no/such/program cannot be run',
    })
  })

  it('refuses programs by a relative name, and no program at all', () => {
    for (const bad of [{ reload: ['nginx'] }, { reload: [] }, {}, { reload: 'nginx' }]) {
      assert.equal(command.schema.safeParse(bad).success, false)
    }
  })
})
