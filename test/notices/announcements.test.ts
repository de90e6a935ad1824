import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { announcements, type NoticeSettings } from '../../src/notices/announcements.ts'
import type { MaterialOutlook, Planned, Trouble } from '../../src/notices/outlook.ts'
import { materialLike } from './sample.ts'

const hour = 3_600_000
const day = 24 * hour
/** A Thursday; 19:00 in Berlin. */
const now = Date.parse('2027-01-14T18:00:00Z')
/** 03:00 in Berlin, the next morning. */
const night = Date.parse('2027-01-15T02:00:00Z')
const settings: NoticeSettings = { before: day, onSuccess: 'first' }

function tell(
  materials: readonly MaterialOutlook[],
  changed: Partial<NoticeSettings> & { now?: number; trouble?: Trouble } = {},
) {
  const { trouble = {}, now: moment = now, ...rest } = changed
  return announcements({ now: moment, materials, trouble }, { ...settings, ...rest })
}

const causes = (...values: Parameters<typeof tell>) => tell(...values).map(({ cause }) => cause)

function schedule(different: Partial<MaterialOutlook['schedule']>) {
  return { material: 'chat-tls', failures: 0, rollbacks: [], ...different }
}

function planned(different: Partial<Planned> = {}): Planned {
  return {
    at: night,
    action: 'rotate',
    window: { start: night, end: night + 2 * hour },
    restarts: [{ consumer: 'chat-server', seconds: 1.7 }],
    ...different,
  }
}

describe('what is told of a material', () => {
  it('is nothing while all is well', () => {
    assert.deepEqual(tell([materialLike()]), [])
    assert.deepEqual(tell([materialLike({ schedule: schedule({ due: now - hour + 1 }) })]), [])
  })

  it('is that it needs a person, whatever else is the matter', () => {
    const attention = schedule({
      attention: 'the database holds a plaintext',
      suspended: { since: now, reason: 'x' },
      paused: { reason: 'holiday', who: 'cli:eve' },
    })
    const [one, ...rest] = tell([materialLike({ schedule: attention, awaitsApproval: true })])
    assert.deepEqual(rest, [])
    assert.deepEqual(one, {
      cause: 'needs_attention chat-tls',
      kind: 'needs_attention',
      severity: 'critical',
      title: 'chat-tls needs attention',
      lines: [
        'the database holds a plaintext',
        '`rekeyd status chat-tls` shows where it stands; then `rekeyd adopt`, `apply` or `resume chat-tls`.',
      ],
      materials: ['chat-tls'],
      command: 'rekeyd status chat-tls',
      reminded: true,
    })
  })

  it('is a suspension, with the way out of it', () => {
    const suspended = { since: now, reason: 'rolled back twice' }
    const [one] = tell([materialLike({ schedule: schedule({ suspended }) })])
    assert.equal(one?.kind, 'suspended')
    assert.deepEqual(one?.lines, ['rolled back twice', 'Try again: `rekeyd resume chat-tls`'])
  })

  it('is that it waits for approval, and what approving does', () => {
    const impact = 'All sessions drop.'
    const [one] = tell([materialLike({ awaitsApproval: true, impact })])
    assert.equal(one?.kind, 'awaiting_approval')
    assert.deepEqual(one?.lines, [impact, 'Let it rotate: `rekeyd approve chat-tls`'])
  })

  it('is neither of the two while somebody has paused it', () => {
    const suspended = { since: now, reason: 'x' }
    const until = (end?: number) => ({
      suspended,
      paused: { reason: 'x', who: 'cli:eve', ...(end !== undefined && { until: end }) },
    })
    const told = (end?: number) =>
      causes([materialLike({ schedule: schedule(until(end)), awaitsApproval: true })])
    assert.deepEqual(told(), [])
    assert.deepEqual(told(now + 1), [])
    assert.deepEqual(told(now), ['suspended chat-tls'])
  })

  it('is that it has been due for too long, and why', () => {
    const late = { schedule: schedule({ due: now - hour, failures: 3 }), failure: 'read-only' }
    const [one] = tell([materialLike(late)])
    assert.equal(one?.title, 'chat-tls has been due since 2027-01-14 17:00Z')
    assert.deepEqual(one?.lines, [
      'The last attempt: read-only',
      '`rekeyd history chat-tls` shows what was tried.',
    ])
    assert.deepEqual(causes([materialLike({ ...late, observed: true })]), [])
  })

  it('is that it expires, and then that it has', () => {
    const active = { number: 3, notAfter: now + 2 * day } as NonNullable<MaterialOutlook['active']>
    const material = materialLike({ active, alertLead: 2 * day, schedule: schedule({ due: 0 }) })
    const at = (moment: number) =>
      tell([material], { now: moment }).map(({ title, severity }) => [title, severity])
    assert.deepEqual(at(now - 1), [])
    assert.deepEqual(at(now), [['chat-tls expires in 2d', 'warning']])
    assert.deepEqual(at(now + 3 * day), [['chat-tls expired 24h ago', 'critical']])
    assert.notDeepEqual(causes([material]), causes([material], { now: now + 3 * day }))
  })

  it('is drift, with both ways out', () => {
    const [one] = tell([materialLike({ drift: ['/etc/chat/key.pem'] })])
    assert.equal(one?.kind, 'drift')
    assert.match(String(one?.lines), /\/etc\/chat\/key\.pem.*rekeyd adopt chat-tls.*rekeyd apply/)
  })
})

describe('the evening before', () => {
  const berlin = { timezone: 'Europe/Berlin' }

  it('tells of a restart: when, for how long, why, and how to stop it', () => {
    const [one, ...rest] = tell([materialLike({ ...berlin, planned: [planned()] })])
    assert.deepEqual(rest, [])
    const command = 'rekeyd pause chat-tls --until 2027-01-15T04:01:00Z --reason WHY'
    assert.deepEqual(one, {
      cause: `restart chat-server ${night}`,
      kind: 'restart',
      severity: 'info',
      title: 'chat-server restarts tonight 03:00–05:00',
      lines: [
        'tonight 03:00–05:00 (Europe/Berlin) chat-server restarts, about 2 s, because chat-tls',
        `Stop it: \`${command}\``,
      ],
      materials: ['chat-tls'],
      command,
      reminded: false,
    })
  })

  it('tells once of several materials that go into one restart', () => {
    const later = planned({ at: night + hour, restarts: [{ consumer: 'chat-server' }] })
    const impact = 'All sessions drop.'
    const found = tell([
      materialLike({ ...berlin, planned: [planned()] }),
      materialLike({ ...berlin, name: 'auth-token', impact, planned: [later] }),
    ])
    assert.equal(found.length, 1)
    const [{ lines, materials, severity } = assert.fail()] = found
    assert.deepEqual(materials, ['chat-tls', 'auth-token'])
    assert.equal(severity, 'warning')
    assert.match(lines[0] ?? '', /about 2 s, because chat-tls, auth-token$/)
    assert.equal(lines[1], 'auth-token: All sessions drop.')
    assert.equal(lines.filter((line) => line.startsWith('Stop it: ')).length, 2)
  })

  it('tells of each consumer and of each night', () => {
    const both = [{ consumer: 'chat-server' }, { consumer: 'chat-bot' }]
    const next = night + day
    const more = planned({ at: next, window: { start: next, end: next + hour } })
    const plan = [planned({ restarts: both }), more]
    assert.deepEqual(causes([materialLike({ planned: plan })], { before: 2 * day }), [
      `restart chat-server ${night}`,
      `restart chat-bot ${night}`,
      `restart chat-server ${next}`,
    ])
  })

  it('begins when the config says, and is over when the window opens', () => {
    const material = materialLike({ planned: [planned()] })
    const at = (moment: number, before?: number) =>
      announcements(
        { now: moment, materials: [material], trouble: {} },
        { onSuccess: 'first', ...(before !== undefined && { before }) },
      ).length
    assert.equal(at(night - day - 1, day), 0)
    assert.equal(at(night - day, day), 1)
    assert.equal(at(night - 1, day), 1)
    assert.equal(at(night, day), 0)
    assert.equal(at(night - 1), 0, 'never')
  })

  it('tells of an impact that no restart tells of, and what it waits for', () => {
    const impact = 'Clients need the new token.'
    const due = schedule({ due: night })
    const asking = materialLike({ impact, schedule: due, needsApproval: true })
    const [one] = tell([asking])
    assert.equal(one?.title, 'chat-tls is due tonight 02:00, and clients notice it')
    assert.deepEqual(one?.lines, [
      impact,
      'Times are UTC.',
      'It waits for `rekeyd approve chat-tls`',
    ])
    const silent = planned({ restarts: [] })
    const [other] = tell([materialLike({ impact, schedule: due, planned: [silent] })])
    assert.match(String(other?.lines), /Stop it: `rekeyd pause chat-tls /)
    assert.deepEqual(causes([materialLike({ impact, schedule: due, observed: true })]), [])
    assert.deepEqual(causes([materialLike({ impact, schedule: schedule({ due: now }) })]), [])
  })
})

describe('success', () => {
  const replaced = { from: 3, to: 4, proved: true, undoUntil: now + 30 * day }

  it('is told with the way back and until when it is open', () => {
    const [one] = tell([materialLike({ replaced, timezone: 'Europe/Berlin' })])
    assert.equal(one?.title, 'chat-tls was rotated: version 3 → 4')
    assert.deepEqual(one?.lines, [
      'Its consumer has shown that it uses it.',
      'Undo: `rekeyd rollback chat-tls`, until Sat 13 Feb 19:00 (Europe/Berlin)',
      'From now on only trouble with it is told.',
    ])
    assert.equal(one?.command, 'rekeyd rollback chat-tls')
  })

  it('says that it cannot be undone, or was not proved', () => {
    const { undoUntil: _, ...final } = replaced
    const [one] = tell([materialLike({ replaced: { ...final, proved: false } })])
    assert.match(String(one?.lines), /Nothing could prove.*cannot be undone/)
    assert.equal(one?.command, undefined)
  })

  it('has one cause for ever, one a version, or none', () => {
    const material = materialLike({ replaced })
    assert.deepEqual(causes([material]), ['first-success chat-tls'])
    assert.deepEqual(causes([material], { onSuccess: 'always' }), ['success chat-tls 4'])
    assert.deepEqual(causes([material], { onSuccess: 'never' }), [])
  })
})

describe('trouble of its own', () => {
  it('is told by what it is', () => {
    const trouble = { clock: 'it jumped 3d forward', store: 'schedule', backup: 'no space' }
    const found = tell([], { trouble })
    assert.deepEqual(
      found.map(({ kind, severity, reminded }) => [kind, severity, reminded]),
      [
        ['clock_suspect', 'warning', true],
        ['store_error', 'critical', true],
        ['backup_failed', 'warning', true],
      ],
    )
  })
})
