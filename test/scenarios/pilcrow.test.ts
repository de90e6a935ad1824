import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, createPublicKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Event } from '../../src/model/events.ts'
import type { OperatorError } from '../../src/support/operator-error.ts'
import { SkippingClock } from '../fakes/skipping-clock.ts'
import { freePort } from './free-port.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'
import { endStandIn, startStandIn } from './stand-ins/started-process.ts'

const day = 86_400_000
const poll = 300_000

describe('Pilcrow', () => {
  const clock = new SkippingClock()
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-pilcrow-'))
  const data = join(folder, 'pilcrow')
  const pidFile = join(folder, 'pilcrow.pid')
  const program = [
    process.execPath,
    join(import.meta.dirname, 'stand-ins/pilcrow.ts'),
    join(data, 'pilcrow.db'),
  ]
  let boot: string
  let rekeyd: ScratchRekeyd

  /** What browsers are told to subscribe with. */
  const shownKey = async () => {
    const { vapid } = (await (await fetch(boot)).json()) as { vapid: { key: string } }
    return vapid.key
  }
  const rotateByItself = () =>
    execFileSync(process.execPath, [...program.slice(1), 'rotate-vapid-key'], { stdio: 'ignore' })
  const digest = () =>
    readdirSync(data).map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(data, name)))
        .digest('hex'),
    ])
  const next = <T extends Event['type']>(
    type: T,
    matches: (event: Extract<Event, { type: T }>) => boolean,
  ) =>
    new Promise<void>((resolve) => {
      const stop = rekeyd.on((event) => {
        if (event.type !== type || !matches(event as Extract<Event, { type: T }>)) return
        stop()
        resolve()
      })
    })

  before(async () => {
    mkdirSync(data, 0o700)
    const port = await freePort('tcp')
    boot = `http://127.0.0.1:${port}/api/boot`
    await startStandIn([...program, 'serve', String(port), pidFile], pidFile, join(folder, 'log'))
    rekeyd = await openRekeyd(
      folder,
      `
materials:
  pilcrow-vapid:
    kind: consumer-made
    rotate: { watch: { expect: 30d, grace: 3d } }
    trigger: { command: ${JSON.stringify([...program, 'rotate-vapid-key'])} }
    observe: { http: "${boot}", pointer: /vapid/key }
`,
      clock,
    )
  })
  after(async () => {
    await rekeyd.close()
    await endStandIn(pidFile)
    rmSync(folder, { recursive: true })
  })

  it('knows the key that Pilcrow made, as Pilcrow shows it', async () => {
    const { active } = await rekeyd.operations.material('pilcrow-vapid')
    const key = await shownKey()
    assert.deepEqual([active?.version, active?.origin, active?.fingerprint], [1, 'adopted', key])
    assert.match(key, /^B[\w-]{86}=$/)
    const point = Buffer.from(key, 'base64url')
    const [x, y] = [
      point.subarray(1, 33).toString('base64url'),
      point.subarray(33).toString('base64url'),
    ]
    createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' })
  })

  it('triggers the next one, once, and counts it when it is seen', async () => {
    const [old, pid] = [await shownKey(), readFileSync(pidFile, 'utf8')]
    const { steps } = await rekeyd.renew('pilcrow-vapid')
    const { active } = await rekeyd.operations.material('pilcrow-vapid')
    assert.notEqual(await shownKey(), old)
    assert.deepEqual([active?.version, active?.fingerprint], [2, await shownKey()])
    assert.deepEqual(
      steps.map(({ name }) => name),
      ['archive', 'provoke', 'observe'],
    )
    assert.equal(readFileSync(pidFile, 'utf8'), pid)
  })

  it('says in its history which version came of it', async () => {
    const [rotation] = await rekeyd.operations.history({ limit: 1 })
    assert.deepEqual(rotation?.changes, [{ material: 'pilcrow-vapid', from: 1, to: 2 }])
  })

  it('takes a key that Pilcrow made by itself for a new version, not for drift', async () => {
    await rekeyd.start()
    rotateByItself()
    const seen = next('version.active', ({ version }) => version.number === 3)
    clock.skip(poll)
    await seen
    const { active, state, drift } = await rekeyd.operations.material('pilcrow-vapid')
    assert.deepEqual([active?.version, active?.fingerprint], [3, await shownKey()])
    assert.deepEqual([state, drift], ['idle', []])
  })

  it('never writes to what is Pilcrow’s', async () => {
    const before = digest()
    const verified = await rekeyd.operations.verify('pilcrow-vapid')
    assert.deepEqual(verified.targets, [])
    await assert.rejects(
      rekeyd.operations.rollback('pilcrow-vapid', {}, { who: 'cli:operator' }),
      ({ kind }: OperatorError) => kind === 'refused',
    )
    assert.deepEqual(digest(), before)
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    assert.deepEqual(
      open.filter((path) => path.startsWith(data)),
      [],
    )
  })

  it('is overdue when Pilcrow stops rotating, and no longer when it does again', async () => {
    const overdue = next('material.state', ({ state }) => state === 'due')
    clock.skip(30 * day + poll)
    await overdue
    const late = await rekeyd.operations.material('pilcrow-vapid')
    assert.deepEqual(
      [late.state, late.reason],
      ['due', 'the consumer has not rotated when it was expected to'],
    )
    const metrics = await rekeyd.metrics()
    assert.match(metrics, /rekeyd_material_state\{[^}]*state="due"[^}]*\} 1/)
    assert.match(
      metrics,
      new RegExp(`rekeyd_material_alert_lead_seconds\\{.*\\} ${(3 * day) / 1000}`),
    )

    const back = next('material.state', ({ state }) => state === 'idle')
    rotateByItself()
    clock.skip(poll)
    await back
    const { active, next_rotation: due = '' } = await rekeyd.operations.material('pilcrow-vapid')
    assert.equal(active?.version, 4)
    assert.ok(Date.parse(due) - clock.now() > 29 * day)
    assert.deepEqual((await rekeyd.operations.history({ limit: 9 })).length, 1)
  })
})
