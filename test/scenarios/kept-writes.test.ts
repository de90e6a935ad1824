import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Event } from '../../src/model/events.ts'
import type { StepName } from '../../src/model/rotation.ts'
import { batchSize, bodyOf, damageOf } from '../campaigns/rekey-rows.ts'
import { HurryingClock } from '../fakes/hurrying-clock.ts'
import { SkippingClock } from '../fakes/skipping-clock.ts'
import { genuineOpens, openGenuine } from '../support/databases.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'
import { endStandIn, startStandIn } from './stand-ins/started-process.ts'
import { systemdEnvironment } from './stand-ins/systemd-environment.ts'

const known = 'a-token-that-is-in-use-already'
const hour = 3_600_000
const byHand = 'a-token-that-was-put-by-hand'

describe('two keys of one file', () => {
  let folder: string
  let rekeyd: ScratchRekeyd | undefined
  const path = (name: string) => join(folder, name)
  const values = () => systemdEnvironment(path('app.env'))

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-kept-'))
    writeFileSync(path('app.env'), `ONE=${known}\nTWO=${known}\n`, { mode: 0o600 })
    writeFileSync(path('known'), known)
    // Only what is in use already is ever proved.
    writeFileSync(path('proof'), `test "$(cat <&3)" = "$(cat ${path('known')})"\n`)
    writeFileSync(path('full'), 'test "$(cat <&3)" = "$(cat <&4)"\n')
    writeFileSync(path('holds'), `exec cat ${path('known')}\n`)
  })
  afterEach(async () => {
    await rekeyd?.close()
    rmSync(folder, { recursive: true })
  })

  const open = async (between = '') => {
    const env = (key: string) =>
      `      - env: { path: ${path('app.env')}, key: ${key}, dialect: systemd }`
    const yaml = `
consumers: { app: { command: { restart: [/bin/true] }, dwell: 1s } }
materials:
  token:
    kind: token
    rotate: { every: 30d }
    consumers: [app]
    verify: [{ command: [/bin/sh, ${path('proof')}] }]
    targets:
${env('ONE')}
${between}
${env('TWO')}
`
    rekeyd = await openRekeyd(folder, yaml, new HurryingClock(Date.now()))
    return rekeyd
  }

  const onFirst = (wanted: StepName, act: () => void) => {
    const stop = rekeyd?.on((event) => {
      if (event.type !== 'rotation.step' || event.step !== wanted) return
      stop?.()
      act()
    })
  }

  it('are both given back when a place between them cannot be switched', async () => {
    const command = (name: string) => `[/bin/sh, ${path(name)}]`
    const full = `      - command: { write: ${command('full')}, read: ${command('holds')} }`
    const { result, detail } = await (await open(full)).rotate('token')
    assert.equal(result, 'rolled_back')
    assert.match(detail ?? '', /said no/)
    assert.deepEqual(values(), { ONE: known, TWO: known })
  })

  it('are given back one by one: what was put into the other by hand stays', async () => {
    const opened = await open()
    onFirst('resume', () => {
      const text = readFileSync(path('app.env'), 'utf8')
      writeFileSync(path('app.env'), text.replace(/TWO=.*/, `TWO=${byHand}`))
    })
    const { result, detail } = await opened.rotate('token')
    assert.equal(result, 'needs_attention')
    assert.match(detail ?? '', /another value into \S+app\.env TWO: it was left/)
    assert.deepEqual(values(), { ONE: known, TWO: byHand })
  })
})

describe('a consumer that writes all the time, with a genuine SQLCipher', () => {
  let folder: string
  let rekeyd: ScratchRekeyd | undefined
  const path = (name: string) => join(folder, name)
  const env = () => readFileSync(path('etc/db.env'), 'utf8')
  const values = () => systemdEnvironment(path('etc/db.env'))
  const acked = () => readFileSync(path('acked'), 'utf8')
  const opensWith = (text = '') =>
    genuineOpens(path('data/chat.db'), { key: { form: 'passphrase', bytes: Buffer.from(text) } })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-kept-'))
    for (const name of ['etc', 'data']) mkdirSync(path(name), 0o700)
    writeFileSync(path('etc/db.env'), `DB_KEY=${known}\nTOKEN=${known}\n`, { mode: 0o600 })
    writeFileSync(path('known'), known)
    // A new one is proved once, and then no longer: a late no.
    const isKnown = `test "$(cat <&3)" = "$(cat ${path('known')})" && exit 0`
    const late = `${isKnown}\ntest -e ${path('asked')} && exit 1\n: >${path('asked')}\n`
    writeFileSync(path('proof'), late)
    const db = openGenuine(path('data/chat.db'), {
      key: { form: 'passphrase', bytes: Buffer.from(known) },
    })
    db.exec('CREATE TABLE message (batch INTEGER, place INTEGER, body TEXT); BEGIN')
    const insert = db.prepare('INSERT INTO message VALUES (1, ?, ?)')
    for (let place = 0; place < batchSize; place += 1) insert.run([place, bodyOf(1, place)])
    db.exec('COMMIT')
    db.close()
    writeFileSync(path('acked'), '1\n')
    await startStandIn(start(), path('consumer.pid'), path('consumer.log'))
  })
  after(async () => {
    await rekeyd?.close()
    await endStandIn(path('consumer.pid'))
    rmSync(folder, { recursive: true })
  })

  const start = () => {
    const program = join(import.meta.dirname, '../campaigns/rekey-consumer.ts')
    return [process.execPath, program, folder, 'wal', 'clean']
  }

  const open = async (clock: SkippingClock) => {
    const target = (key: string) =>
      `{ env: { path: ${path('etc/db.env')}, key: ${key}, dialect: systemd } }`
    const material = (name: string, more: string) => `
  ${name}:
    rotate: { every: 365d, first: ${new Date(clock.now() + hour).toISOString()} }
    keep: 400d
    consumers: [chat]
    ${more}`
    rekeyd = await openRekeyd(
      folder,
      `
consumers:
  chat:
    process: { pid_file: ${path('consumer.pid')}, log: ${path('consumer.log')}, start: ${JSON.stringify(start())} }
    timeouts: { stop: 10s, start: 10s, ready: 10s }
    dwell: 1s
materials:${material(
        'db-key',
        `kind: database-key
    targets: [{ sqlcipher: { path: ${path('data/chat.db')} } }, ${target('DB_KEY')}]
    verify: [{ sqlcipher: {} }]`,
      )}${material(
        'token',
        `kind: token
    targets: [${target('TOKEN')}]
    verify: [{ command: [/bin/sh, ${path('proof')}] }]`,
      )}
`,
      clock,
    )
    return rekeyd
  }

  /** The consumer has committed something since. */
  const expectWrites = async () => {
    const already = acked().length
    for (let look = 0; look < 500 && acked().length === already; look += 1) await pause(20)
    assert.notEqual(acked().length, already, 'the consumer writes no longer')
  }

  it('loses no row, and its operator no edit, by a late no in a set and a rollback the next morning', async () => {
    const clock = new SkippingClock()
    const opened = await open(clock)
    const ended: (Event & { readonly type: 'rotation.finished' })[] = []
    const both = new Promise<void>((resolve) => {
      opened.on((event) => {
        if (event.type === 'rotation.step' && event.step === 'resume') {
          writeFileSync(path('etc/db.env'), `${env()}# edit ${ended.length}\n`)
        }
        if (event.type !== 'rotation.finished') return
        ended.push(event)
        if (ended.length === 2) resolve()
      })
    })
    await opened.start()
    clock.skip(hour)
    await both
    const [set, alone] = ended
    assert.deepEqual(set?.changes.map(({ material }) => material).toSorted(), ['db-key', 'token'])
    assert.equal(set.result, 'rolled_back', set.detail)
    assert.match(set.detail ?? '', /does not show version 2 of token/)
    // Only the one that was not proved is left out; the other one goes on at once.
    assert.deepEqual(
      [alone?.changes, alone?.result],
      [[{ material: 'db-key', from: 1, to: 3 }], 'succeeded'],
    )
    const { DB_KEY: next = '', TOKEN } = values()
    assert.equal(TOKEN, known)
    assert.equal(opensWith(next) && !opensWith(known), true)

    await expectWrites()
    while ((await opened.operations.material('db-key')).state === 'rotating') await pause(20)
    writeFileSync(path('etc/db.env'), `# in the night\n${env()}`)
    const rollback = await opened.operations.rollback('db-key', {}, { who: 'cli:operator' })
    assert.equal(rollback.result, 'succeeded', rollback.detail)
    await expectWrites()
    await endStandIn(path('consumer.pid'))
    assert.deepEqual([values()['DB_KEY'], opensWith(next)], [known, false])
    const edits = ['# in the night', '# edit 0', '# edit 0', '# edit 1', '# edit 2']
    const others = env()
      .split('\n')
      .filter((line) => line.startsWith('#'))
    assert.deepEqual(others, edits)
    assert.equal(existsSync(path('damage')), false)
    const db = openGenuine(path('data/chat.db'), {
      key: { form: 'passphrase', bytes: Buffer.from(known) },
    })
    try {
      assert.equal(damageOf(db, acked()), undefined)
    } finally {
      db.close()
    }
  })
})
