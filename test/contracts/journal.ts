import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Ending, HeldRecord, Intent, Journal } from '../../src/store/journal.ts'
import type { KeyStore } from '../../src/store/key-store.ts'
import type { ScheduleState } from '../../src/store/schedule-state.ts'

export interface JournalFixture {
  readonly journal: Journal
  /** Of the same store. */
  readonly keys: KeyStore
  readonly schedule: ScheduleState
  dispose(): void
}

/** Later than any clock that a test would put a version with. */
const finished = Date.UTC(2100, 0)

const actor = { who: 'cli:alice', why: 'test' }

function intent(...materials: string[]): Intent {
  const members = materials.map((material) => ({
    material,
    make: {
      material,
      origin: 'generated' as const,
      parts: { key: SecretBytes.fromText(`new ${material}`) },
      attributes: {},
    },
  }))
  return { trigger: 'manual', actor, members, now: 1_000 }
}

function held(target: number, text: string): HeldRecord {
  return { material: 'vapid', target, place: `/etc/${target}`, held: SecretBytes.fromText(text) }
}

function ending(extra: Partial<Ending> = {}): Ending {
  return { result: 'failed', versions: [], schedules: [], now: finished, ...extra }
}

/** What holds for every journal (src/store/journal.ts). */
export function describeJournal(name: string, create: () => Promise<JournalFixture>): void {
  describe(`the journal contract, by ${name}`, () => {
    let fixture: JournalFixture
    let journal: Journal
    beforeEach(async () => {
      fixture = await create()
      journal = fixture.journal
    })
    afterEach(() => fixture.dispose())

    it('stores the new versions as prepared together with the intent', () => {
      const { rotation, versions } = journal.begin(intent('vapid', 'token'))
      assert.deepEqual(
        versions.map(({ material, number, state, createdAt }) => [
          material,
          number,
          state,
          createdAt,
        ]),
        [
          ['vapid', 1, 'prepared', 1_000],
          ['token', 1, 'prepared', 1_000],
        ],
      )
      assert.deepEqual(rotation, {
        id: rotation.id,
        trigger: 'manual',
        actor: 'cli:alice',
        reason: 'test',
        changes: [
          { material: 'vapid', to: 1 },
          { material: 'token', to: 1 },
        ],
        direction: 'forward',
        tries: 1,
        started: 1_000,
        steps: [],
      })
      assert.deepEqual(journal.get(rotation.id), rotation)
      const { key } = fixture.keys.secret('token', 1)
      assert.equal(key?.bytes.toString(), 'new token')
    })

    it('takes a version that the store has already, or none at all', () => {
      fixture.keys.put({ ...make('vapid') }, 'prepared', actor)
      const { rotation, versions } = journal.begin({
        ...intent(),
        members: [
          { material: 'vapid', to: 1 },
          { material: 'old', from: 4 },
        ],
      })
      assert.deepEqual(
        versions.map(({ material, number }) => [material, number]),
        [['vapid', 1]],
      )
      assert.deepEqual(rotation.changes, [
        { material: 'vapid', to: 1 },
        { material: 'old', from: 4 },
      ])
    })

    it('refuses a second rotation of a material until the first has ended', () => {
      const { rotation } = journal.begin(intent('vapid'))
      assert.throws(() => journal.begin(intent('token', 'vapid')), { kind: 'busy' })
      assert.equal(fixture.keys.get('token', 1), undefined)
      assert.equal(journal.history({ limit: 9 }).length, 1)
      journal.finish(rotation.id, ending())
      journal.begin(intent('token', 'vapid'))
    })

    it('records steps in order, with their outcome', () => {
      const { id } = journal.begin(intent('vapid')).rotation
      const stage = journal.started(id, 'stage', '/etc/key', 'forward', 2_000)
      journal.ended(id, stage, 'done', 3_000)
      const verify = journal.started(id, 'verify', undefined, 'back', 4_000)
      journal.started(id, 'resume', 'app.service', 'back', 6_000)
      journal.ended(id, verify, 'failed', 5_000, 'connection refused')
      assert.deepEqual(journal.get(id)?.steps, [
        {
          name: 'stage',
          subject: '/etc/key',
          direction: 'forward',
          started: 2_000,
          ended: 3_000,
          outcome: 'done',
        },
        {
          name: 'verify',
          direction: 'back',
          started: 4_000,
          ended: 5_000,
          outcome: 'failed',
          detail: 'connection refused',
        },
        { name: 'resume', subject: 'app.service', direction: 'back', started: 6_000 },
      ])
    })

    it('gives back what is unfinished: direction, tries, held bytes, observed values', () => {
      const { id } = journal.begin({
        ...intent(),
        members: [{ material: 'vapid', observed: 'old public key' }],
      }).rotation
      journal.hold(id, [held(0, 'zero'), held(1, 'one')])
      journal.hold(id, [held(1, 'one again')])
      journal.turn(id, 'back', 'verifier said no', 'vapid')
      assert.equal(journal.again(id), 2)
      const [unfinished, ...others] = journal.unfinished()
      assert.deepEqual(others, [])
      assert.equal(unfinished?.rotation.id, id)
      assert.equal(unfinished?.rotation.direction, 'back')
      assert.equal(unfinished?.rotation.tries, 2)
      assert.equal(unfinished?.rotation.detail, 'verifier said no')
      assert.equal(unfinished?.rotation.blamed, 'vapid')
      assert.deepEqual(unfinished?.observed, { vapid: 'old public key' })
      assert.deepEqual(
        unfinished?.held.map(({ target, place, held }) => [target, place, held.bytes.toString()]),
        [
          [0, '/etc/0', 'zero'],
          [1, '/etc/1', 'one again'],
        ],
      )
    })

    it('ends a rotation together with versions and schedules', () => {
      fixture.keys.put(make('vapid'), 'active', actor)
      const { id } = journal.begin(intent('vapid')).rotation
      journal.hold(id, [held(0, 'zero')])
      const next = { material: 'vapid', failures: 0, rollbacks: [], due: 77 }
      const versions = [
        { material: 'vapid', number: 2, event: 'activate' as const },
        { material: 'vapid', number: 1, event: 'retire' as const, overlapUntil: 5, keepUntil: 6 },
      ]
      journal.finish(id, ending({ result: 'succeeded', versions, schedules: [next] }))
      assert.equal(fixture.keys.active('vapid')?.number, 2)
      assert.equal(fixture.keys.active('vapid')?.activeSince, finished)
      assert.deepEqual(fixture.schedule.get('vapid'), next)
      assert.deepEqual(journal.unfinished(), [])
      const rotation = journal.get(id)
      assert.deepEqual([rotation?.result, rotation?.ended], ['succeeded', finished])
    })

    it('ends it not at all when one of the changes is not allowed', () => {
      const { id } = journal.begin(intent('vapid')).rotation
      const versions = [{ material: 'vapid', number: 1, event: 'reactivate' as const }]
      const schedules = [{ material: 'vapid', failures: 3, rollbacks: [] }]
      assert.throws(() => journal.finish(id, ending({ versions, schedules })), RangeError)
      assert.equal(journal.unfinished().length, 1)
      assert.equal(fixture.schedule.get('vapid').failures, 0)
    })

    it('writes nothing more into a rotation that has ended, or never began', () => {
      const { id } = journal.begin(intent('vapid')).rotation
      const step = journal.started(id, 'stage', undefined, 'forward', 1)
      journal.finish(id, ending())
      for (const name of [id, 'unknown']) {
        assert.throws(() => journal.started(name, 'stage', undefined, 'forward', 1), RangeError)
        assert.throws(() => journal.ended(name, step, 'done', 1), RangeError)
        assert.throws(() => journal.hold(name, []), RangeError)
        assert.throws(() => journal.turn(name, 'back', ''), RangeError)
        assert.throws(() => journal.again(name), RangeError)
        assert.throws(() => journal.finish(name, ending()), RangeError)
      }
      assert.equal(journal.get('unknown'), undefined)
    })

    it('pages through history, newest first, for one material or all', () => {
      const ids = ['vapid', 'token', 'vapid'].map((material) => {
        const { id } = journal.begin(intent(material)).rotation
        journal.finish(id, ending())
        return id
      })
      const [a, b, c] = ids as [string, string, string]
      const idsOf = (query: Parameters<Journal['history']>[0]) =>
        journal.history(query).map(({ id }) => id)
      assert.deepEqual(idsOf({ limit: 9 }), [c, b, a])
      assert.deepEqual(idsOf({ limit: 2 }), [c, b])
      assert.deepEqual(idsOf({ limit: 9, before: b }), [a])
      assert.deepEqual(idsOf({ limit: 9, material: 'vapid' }), [c, a])
    })
  })
}

function make(material: string) {
  const parts = { key: SecretBytes.fromText('there before') }
  return { material, origin: 'adopted' as const, parts, attributes: {} }
}
