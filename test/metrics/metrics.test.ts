import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import type { MaterialReading } from '../../src/metrics/reading.ts'
import { Events } from '../../src/model/events.ts'
import { materialStates } from '../../src/model/material.ts'
import { noticeResults } from '../../src/model/notice.ts'
import { rotationResults, stepNames, triggers } from '../../src/model/rotation.ts'
import { versionStates } from '../../src/model/version.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { needs } from '../support/parts.ts'

const now = Date.parse('2027-01-01T00:00:00Z')
const day = 86_400_000

const full: MaterialReading = {
  name: 'chat-tls',
  kind: 'tls',
  state: 'retrying',
  schedule: {
    material: 'chat-tls',
    due: now - day,
    nextAttempt: now + 3_600_000,
    failures: 2,
    rollbacks: [now],
    lastAttempt: now - 1_000,
    lastRotation: now - 60 * day,
  },
  active: {
    material: 'chat-tls',
    number: 7,
    state: 'active',
    compromised: false,
    origin: 'imported',
    fingerprint: `sha256:${'0123456789abcdef'.repeat(4)}`,
    attributes: { algorithm: 'ecdsa-"p256"\\\n' },
    createdAt: now,
    notAfter: now + 30 * day,
  },
  overlapUntil: now + day,
  versions: { prepared: 1, active: 1, retiring: 1, withdrawn: 3, destroyed: 0 },
  drift: { target: true, consumer: false },
  alertLead: 10 * day,
}

/** Nothing is known of it yet. */
const blank: MaterialReading = {
  name: 'db-key',
  kind: 'database-key',
  state: 'needs_attention',
  schedule: { material: 'db-key', failures: 0, rollbacks: [] },
  versions: { prepared: 0, active: 0, retiring: 0, withdrawn: 0, destroyed: 0 },
  drift: { target: false, consumer: false },
  alertLead: day,
}

let events: Events
let clock: FakeClock
let materials: MaterialReading[]
let consumers: string[]
let apiTokens: () => { readonly name: string; readonly expires: string }[]
let reads: number
let isBroken: boolean
let newestBackup: number | undefined
let channels: string[]
let metrics: Metrics

beforeEach(() => {
  events = new Events()
  clock = new FakeClock(now)
  materials = [full, blank]
  consumers = ['chat-server']
  apiTokens = () => [{ name: 'grafana', expires: '2027-04-01T00:00:00Z' }]
  reads = 0
  isBroken = false
  newestBackup = undefined
  channels = ['ntfy']
  const readings = {
    materials: () => {
      reads += 1
      if (isBroken) throw new Error('broken')
      return materials
    },
    consumers: () => consumers,
    channels: () => channels,
    newestBackup: () => newestBackup,
    apiTokens: async () => apiTokens(),
    version: '1.2.3',
  }
  metrics = createMetrics(events, readings, clock)
})
afterEach(() => metrics.close())

/** Every series with its value. */
async function scrape(): Promise<Map<string, number>> {
  const { text } = await metrics.render()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at).replace(/^rekeyd_/, ''), Number(line.slice(at + 1))]
    }),
  )
}

const finished = (changes: readonly string[], seconds = 2) =>
  events.emit('rotation.finished', now, {
    id: 'a',
    trigger: 'schedule',
    changes: changes.map((material) => ({ material, from: 1, to: 2 })),
    result: 'rolled_back',
    seconds,
  })

describe('metrics', () => {
  it('pass promtool', needs('promtool'), async () => {
    finished(['chat-tls', 'db-key'])
    events.emit('rotation.step', now, { id: 'a', step: 'verify', seconds: 1, outcome: 'done' })
    events.emit('consumer.restarted', now, { consumer: 'chat-server', downtimeSeconds: 0.4 })
    events.emit('clock.suspect', now, { suspect: true })
    const { text, contentType } = await metrics.render()
    assert.match(contentType, /^text\/plain; version=0\.0\.4/)
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text })
    assert.equal(`${stdout.toString()}${stderr.toString()}`, '')
    assert.equal(status, 0)
  })

  it('count what becomes of notices, also on channels that a reload brings', async () => {
    const series = (channel: string) => `notices_total{channel="${channel}",result="failed"}`
    events.emit('notice', now, { channel: 'ntfy', title: 'x', result: 'failed', reason: 'x' })
    assert.equal((await scrape()).get(series('ntfy')), 1)
    channels = ['email']
    events.emit('config.reloaded', now, { ok: true })
    assert.equal((await scrape()).get(series('email')), 0)
  })

  it('show when the newest backup was made, once there is one', async () => {
    const name = 'backup_last_success_timestamp_seconds'
    assert.equal((await scrape()).get(name), undefined)
    newestBackup = now
    assert.equal((await scrape()).get(name), now / 1_000)
    newestBackup = undefined
    assert.equal((await scrape()).get(name), undefined)
  })

  it('show a material as it is read', async () => {
    const series = await scrape()
    const seconds = now / 1_000
    const expected: Readonly<Record<string, number>> = {
      'material_expiration_timestamp_seconds{material="chat-tls",kind="tls"}':
        seconds + 30 * 86_400,
      'material_next_rotation_timestamp_seconds{material="chat-tls"}': seconds - 86_400,
      'material_next_attempt_timestamp_seconds{material="chat-tls"}': seconds + 3_600,
      'material_last_rotation_timestamp_seconds{material="chat-tls"}': seconds - 60 * 86_400,
      'material_last_attempt_timestamp_seconds{material="chat-tls"}': seconds - 1,
      'material_overlap_end_timestamp_seconds{material="chat-tls"}': seconds + 86_400,
      'material_alert_lead_seconds{material="chat-tls"}': 10 * 86_400,
      'material_consecutive_failures{material="chat-tls"}': 2,
      'material_versions{material="chat-tls",state="withdrawn"}': 3,
      'build_info{version="1.2.3"}': 1,
    }
    for (const [name, value] of Object.entries(expected))
      assert.equal(series.get(name), value, name)
    const info = [...series.keys()].find((name) => name.startsWith('material_info'))
    assert.equal(
      info,
      'material_info{material="chat-tls",kind="tls",algorithm="ecdsa-\\"p256\\"\\\\\\n",version="7",fingerprint="0123456789abcdef"}',
    )
  })

  it('never show what is unknown as 0', async () => {
    const shown = [...(await scrape()).keys()].filter(
      (name) => name.startsWith('material_') && name.includes('db-key'),
    )
    assert.deepEqual([...new Set(shown.map((name) => name.replace(/\{.*/, '')))].toSorted(), [
      'material_alert_lead_seconds',
      'material_consecutive_failures',
      'material_drift',
      'material_state',
      'material_versions',
    ])
  })

  it('have exactly one state, and drift by where it is', async () => {
    const series = await scrape()
    for (const state of materialStates) {
      const value = series.get(`material_state{material="chat-tls",state="${state}"}`)
      assert.equal(value, Number(state === 'retrying'), state)
    }
    assert.equal(series.get('material_drift{material="chat-tls",where="target"}'), 1)
    assert.equal(series.get('material_drift{material="chat-tls",where="consumer"}'), 0)
    materials = [{ ...full, state: 'idle', drift: { target: false, consumer: true } }]
    const later = await scrape()
    assert.equal(later.get('material_drift{material="chat-tls",where="target"}'), 0)
    assert.equal(later.get('material_drift{material="chat-tls",where="consumer"}'), 1)
    assert.equal(later.get('material_state{material="chat-tls",state="retrying"}'), 0)
  })

  it('keep the due date while a rotation is retried, and forget what is over', async () => {
    const due = 'material_next_rotation_timestamp_seconds{material="chat-tls"}'
    const before = (await scrape()).get(due)
    materials = [{ ...full, schedule: { ...full.schedule, nextAttempt: now + day, failures: 3 } }]
    assert.equal((await scrape()).get(due), before)
    const { nextAttempt: _, ...settled } = full.schedule
    materials = [{ ...full, schedule: { ...settled, due: now + 30 * day } }]
    const after = await scrape()
    assert.equal(after.get(due), now / 1_000 + 30 * 86_400)
    assert.equal(after.has('material_next_attempt_timestamp_seconds{material="chat-tls"}'), false)
    assert.equal(
      [...after.keys()].some((name) => /^material_\w+\{material="db-key"/.test(name)),
      false,
    )
  })

  it('have every counter at 0 from the start', async () => {
    const series = await scrape()
    for (const material of ['chat-tls', 'db-key']) {
      for (const trigger of triggers) {
        for (const result of rotationResults) {
          const labels = `material="${material}",trigger="${trigger}",result="${result}"`
          assert.equal(series.get(`rotations_total{${labels}}`), 0)
        }
      }
    }
    for (const result of noticeResults) {
      assert.equal(series.get(`notices_total{channel="ntfy",result="${result}"}`), 0)
    }
    for (const step of stepNames) {
      assert.equal(series.get(`rotation_step_duration_seconds_count{step="${step}"}`), 0, step)
    }
    for (const state of versionStates) {
      assert.equal(series.has(`material_versions{material="db-key",state="${state}"}`), true)
    }
    for (const name of [
      'rotation_duration_seconds_count{kind="tls"}',
      'rotation_duration_seconds_count{kind="database-key"}',
      'consumer_restarts_total{consumer="chat-server"}',
      'consumer_downtime_seconds_count{consumer="chat-server"}',
      'store_errors_total',
      'clock_suspect',
    ]) {
      assert.equal(series.get(name), 0, name)
    }
  })

  it('count a rotation for each of its materials, and its time once for each kind', async () => {
    materials = [full, blank, { ...full, name: 'web-tls' }]
    events.emit('config.reloaded', now, { ok: true })
    finished(['chat-tls', 'web-tls'], 20)
    const series = await scrape()
    for (const material of ['chat-tls', 'web-tls']) {
      const labels = `material="${material}",trigger="schedule",result="rolled_back"`
      assert.equal(series.get(`rotations_total{${labels}}`), 1)
    }
    assert.equal(series.get('rotation_duration_seconds_count{kind="tls"}'), 1)
    assert.equal(series.get('rotation_duration_seconds_sum{kind="tls"}'), 20)
    assert.equal(series.get('rotation_duration_seconds_bucket{le="15",kind="tls"}'), 0)
    assert.equal(series.get('rotation_duration_seconds_bucket{le="60",kind="tls"}'), 1)
  })

  it('measure steps, restarts and downtime', async () => {
    events.emit('rotation.step', now, { id: 'a', step: 'stage', seconds: 0.3, outcome: 'failed' })
    events.emit('consumer.restarted', now, { consumer: 'chat-server', downtimeSeconds: 4 })
    const series = await scrape()
    assert.equal(series.get('rotation_step_duration_seconds_sum{step="stage"}'), 0.3)
    assert.equal(series.get('consumer_restarts_total{consumer="chat-server"}'), 1)
    assert.equal(series.get('consumer_downtime_seconds_sum{consumer="chat-server"}'), 4)
  })

  it('know the new names after a reload, and keep what was counted', async () => {
    finished(['chat-tls'])
    events.emit('consumer.restarted', now, { consumer: 'chat-server', downtimeSeconds: 4 })
    const labels = 'trigger="schedule",result="rolled_back"'
    materials = [full, { ...full, name: 'web-tls' }]
    consumers = ['chat-server', 'web-server']
    events.emit('config.reloaded', now, { ok: false })
    const unchanged = await scrape()
    assert.equal(unchanged.has(`rotations_total{material="web-tls",${labels}}`), false)
    assert.equal(unchanged.get('config_last_reload_successful'), 0)
    assert.equal(unchanged.get('config_last_reload_success_timestamp_seconds'), now / 1_000)
    events.emit('config.reloaded', now + 60_000, { ok: true })
    const series = await scrape()
    assert.equal(series.get(`rotations_total{material="web-tls",${labels}}`), 0)
    assert.equal(series.get(`rotations_total{material="chat-tls",${labels}}`), 1)
    assert.equal(series.get('rotation_duration_seconds_count{kind="tls"}'), 1)
    assert.equal(series.get('consumer_restarts_total{consumer="web-server"}'), 0)
    assert.equal(series.get('consumer_downtime_seconds_count{consumer="chat-server"}'), 1)
    assert.equal(series.get('config_last_reload_successful'), 1)
    assert.equal(series.get('config_last_reload_success_timestamp_seconds'), now / 1_000 + 60)
  })

  it('tell of ourselves', async () => {
    const name = 'scheduler_last_tick_timestamp_seconds'
    assert.equal((await scrape()).get(name), now / 1_000)
    events.emit('scheduler.tick', now + 5_000, { at: now + 5_000 })
    events.emit('clock.suspect', now, { suspect: true })
    events.emit('store.error', now, { operation: 'journal' })
    const series = await scrape()
    assert.equal(series.get(name), now / 1_000 + 5)
    assert.equal(series.get('clock_suspect'), 1)
    assert.equal(series.get('store_errors_total'), 1)
    events.emit('clock.suspect', now, { suspect: false })
    assert.equal((await scrape()).get('clock_suspect'), 0)
  })

  it('say when each API token ends, as the file of tokens is then', async () => {
    const grafana = 'api_token_expiration_timestamp_seconds{token="grafana"}'
    assert.equal((await scrape()).get(grafana), Date.parse('2027-04-01') / 1_000)
    apiTokens = () => []
    assert.equal((await scrape()).has(grafana), false)
    apiTokens = () => {
      throw new Error('the file is broken')
    }
    assert.equal((await scrape()).get('store_errors_total'), 0, 'all others are shown')
  })

  it('read the materials once for each scrape, and once for scrapes at the same time', async () => {
    reads = 0
    await metrics.render()
    assert.equal(reads, 1)
    const texts = await Promise.all([metrics.render(), metrics.render(), metrics.render()])
    assert.equal(reads, 2)
    assert.equal(new Set(texts.map(({ text }) => text)).size, 1)
  })

  it('fail a scrape when they cannot be read, and recover', async () => {
    isBroken = true
    await assert.rejects(metrics.render(), /broken/)
    isBroken = false
    assert.ok((await scrape()).size > 0)
  })

  it('are healthy until the scheduler is silent for more than 90 s', async () => {
    assert.equal(metrics.health(), 'starting')
    await clock.advance(3_600_000)
    assert.equal(metrics.health(), 'starting')
    events.emit('scheduler.tick', clock.now(), { at: clock.now() })
    await clock.advance(90_000)
    assert.equal(metrics.health(), 'ticking')
    await clock.jump(400 * day)
    assert.equal(metrics.health(), 'ticking')
    await clock.advance(1)
    assert.equal(metrics.health(), 'stalled')
  })

  it('stop listening when they are closed', async () => {
    metrics.close()
    events.emit('store.error', now, { operation: 'journal' })
    assert.equal((await scrape()).get('store_errors_total'), 0)
  })
})
