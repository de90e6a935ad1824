import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { EventMap, EventName } from '../../../src/model/events.ts'
import type { Version } from '../../../src/model/version.ts'
import { scratchApp } from '../scratch-app.ts'
import { Contract } from './contract.ts'

const version: Version = {
  material: 'key',
  number: 3,
  state: 'active',
  compromised: false,
  origin: 'generated',
  fingerprint: 'sha256:00',
  attributes: { algorithm: 'ed25519' },
  createdAt: 0,
  activeSince: 0,
}
const rotation = { id: 'abc', trigger: 'schedule', changes: [{ material: 'key', to: 3 }] } as const

/** Each kind of event that is told, with all that it may hold. */
const payloads: { readonly [K in Exclude<EventName, 'scheduler.tick'>]: readonly EventMap[K][] } = {
  'rotation.started': [rotation],
  'rotation.step': [{ id: 'abc', step: 'activate', seconds: 0.25, outcome: 'done' }],
  'rotation.progress': [
    {
      id: 'abc',
      step: 'stage',
      material: 'key',
      place: '/key',
      doing: 're-encrypting',
      done: 1,
      total: 2,
      unit: 'bytes',
    },
  ],
  'rotation.finished': [
    { ...rotation, result: 'succeeded', seconds: 2 },
    { ...rotation, result: 'rolled_back', seconds: 2, detail: 'it said no' },
  ],
  'version.active': [{ version }],
  'version.announced': [{ version: { ...version, state: 'prepared', notAfter: 1 } }],
  'version.retired': [{ version: { ...version, state: 'retiring', overlapUntil: 1 } }],
  'version.destroyed': [{ version: { ...version, state: 'destroyed' } }],
  'material.state': [{ material: 'key', state: 'paused', reason: 'holidays' }],
  drift: [{ material: 'key', where: 'target', place: '/key', found: true }],
  'consumer.restarted': [{ consumer: 'chat', downtimeSeconds: 1.5 }],
  'clock.suspect': [{ suspect: true, reason: 'it jumped' }, { suspect: false }],
  'store.error': [{ operation: 'put' }],
  'backup.finished': [
    { ok: true, path: '/var/backups/a.age' },
    { ok: false, reason: 'no space' },
  ],
  'config.reloaded': [{ ok: true }, { ok: false, reason: 'line 3' }],
  notice: [{ channel: 'ntfy', title: 'key needs attention', result: 'failed', reason: 'refused' }],
}

describe('the stream of events', () => {
  it('sends what /openapi.json says of every kind of event', async () => {
    const { app, events } = scratchApp()
    const document = (await app.inject('/openapi.json')).json()
    const operation = document.paths['/v1/events'].get
    const answered = app.inject('/v1/events')
    await setImmediate()
    const entries = Object.entries(payloads) as [EventName, readonly EventMap[EventName][]][]
    for (const [name, all] of entries) for (const payload of all) events.emit(name, 0, payload)
    await app.close()
    const { statusCode: status, headers, body } = await answered
    const told = [...body.matchAll(/^event: (.+)$/gm)].map(([, name]) => name)
    assert.deepEqual([...new Set(told)], Object.keys(payloads))
    new Contract(document).assertKept(operation, { status, headers, body })
  })
})
