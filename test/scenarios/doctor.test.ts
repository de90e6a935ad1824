import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { examineOffline } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { DoctorView } from '../../src/operations/outlook.ts'
import { SkippingClock } from '../fakes/skipping-clock.ts'
import { needs } from '../support/parts.ts'
import { treeOf } from '../support/tree.ts'
import { quicprochatConfig } from './quicprochat-config.ts'
import {
  firstDatabaseKey,
  firstToken,
  layOutQuicprochat,
  type QuicprochatHost,
} from './quicprochat-host.ts'
import { openRekeyd, preamble, type ScratchRekeyd } from './scratch-rekeyd.ts'

const caller = { who: 'cli:eve' }
const names = ['chat-auth-token', 'chat-tls', 'federation-tls', 'db-key', 'opaque-setup']

/** Levels by check, each once. */
function levels({ findings }: DoctorView, level: string): readonly string[] {
  const found = findings.filter((finding) => finding.level === level)
  return [
    ...new Set(found.map(({ material, check }) => `${material ?? 'host'} ${check}`)),
  ].toSorted()
}

function assertSilent(view: object): void {
  const said = JSON.stringify(view)
  for (const secret of [
    firstToken,
    firstDatabaseKey,
    JSON.stringify(firstDatabaseKey).slice(1, -1),
  ]) {
    assert.ok(!said.includes(secret), 'a secret was printed')
  }
}

describe('quicprochat before the first rotation', needs('openssl', 'quic'), () => {
  let host: QuicprochatHost
  let rekeyd: ScratchRekeyd | undefined

  /** Everything but rekeyd's own folder, and what the stand-in writes by itself. */
  const tree = () => treeOf(host.folder, [join(host.folder, 'rekeyd'), host.log])
  const unchanged = async <T>(look: () => Promise<T>): Promise<T> => {
    const before = tree()
    const answer = await look()
    assert.deepEqual(tree(), before)
    return answer
  }

  before(async () => {
    host = await layOutQuicprochat()
    await host.start()
  })
  after(async () => {
    await rekeyd?.close()
    await host.remove()
  })

  it('is found fit by the doctor although there is no store yet, and stays as it is', async () => {
    const home = join(host.folder, 'rekeyd')
    mkdirSync(home, { mode: 0o700 })
    const path = join(home, 'rekeyd.yaml')
    writeFileSync(path, preamble(host.folder) + quicprochatConfig(host), { mode: 0o600 })
    const config = await loadConfig({ path, now: Date.now() })
    const view = await unchanged(() => examineOffline(config))
    assert.deepEqual(levels(view, 'failure'), [], JSON.stringify(view.findings, undefined, 1))
    assert.deepEqual(levels(view, 'warning'), ['host recovery', 'host store'])
    const adopted = view.findings.filter(({ check }) => check === 'adoptable')
    assert.equal(adopted.length, 4)
    const proved = view.findings.filter(
      ({ check, material, level }) =>
        check === 'verifier' && material === 'db-key' && level === 'ok',
    )
    assert.equal(proved.length, 1, 'the database opens with the key that was found')
    assertSilent(view)
    rmSync(home, { recursive: true })
  })

  it('is rehearsed, each material, and stays as it is', async () => {
    rekeyd = await openRekeyd(host.folder, quicprochatConfig(host), new SkippingClock())
    const { operations } = rekeyd
    for (const name of names) {
      const view = await unchanged(() => operations.rehearse(name, caller))
      assert.equal(view.ok, true, `${name}: ${JSON.stringify(view.steps, undefined, 1)}`)
      assertSilent(view)
      const left = view.steps.filter(({ outcome }) => outcome === 'not_exercised')
      assert.ok(left.length > 0, `${name} says what it left out`)
      const [active] = (await operations.material(name)).versions
      assert.equal(active?.version, 1)
    }
    const { steps } = await operations.rehearse('db-key', caller)
    const copied = steps.find(({ detail }) => detail?.includes('on a copy'))
    assert.deepEqual([copied?.name, copied?.outcome], ['stage', 'done'])
    assert.deepEqual(
      steps
        .filter(({ name }) => name === 'quiesce')
        .map(({ subject, outcome }) => [subject, outcome]),
      [['chat-server', 'not_exercised']],
    )
  })

  it('is found fit by the daemon, and what would fail is told beforehand', async () => {
    if (!rekeyd) throw new Error('the rehearsal did not start')
    const { operations } = rekeyd
    const good = await unchanged(() => operations.doctor())
    assert.deepEqual(levels(good, 'failure'), [], JSON.stringify(good.findings, undefined, 1))
    writeFileSync(host.path('bot/bot.env'), `QPC_ACCESS_TOKEN=edited-by-hand-0123456789\n`)
    const bad = await operations.doctor()
    assert.equal(bad.ok, false)
    assert.deepEqual(levels(bad, 'failure'), ['chat-auth-token target-holds'])
    const rehearsed = await operations.rehearse('chat-auth-token', caller)
    assert.equal(rehearsed.ok, false)
    assert.match(rehearsed.steps.find(({ outcome }) => outcome === 'failed')?.hint ?? '', /adopt/)
  })
})
