import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MaterialSchedule, ScheduleState } from '../../src/store/schedule-state.ts'

export interface ScheduleStateFixture {
  readonly schedule: ScheduleState
  dispose(): void
}

/** What holds for every schedule state (src/store/schedule-state.ts). */
export function describeScheduleState(
  name: string,
  create: () => Promise<ScheduleStateFixture>,
): void {
  describe(`the schedule state contract, by ${name}`, () => {
    let fixture: ScheduleStateFixture
    let schedule: ScheduleState
    beforeEach(async () => {
      fixture = await create()
      schedule = fixture.schedule
    })
    afterEach(() => fixture.dispose())

    it('gives a blank record for a material that it has never seen', () => {
      assert.deepEqual(schedule.get('vapid'), { material: 'vapid', failures: 0, rollbacks: [] })
      assert.deepEqual(schedule.all(), [])
    })

    it('gives back all that was set, and replaces it whole', () => {
      const full: MaterialSchedule = {
        material: 'vapid',
        due: 1,
        nextAttempt: 2,
        failures: 3,
        rollbacks: [4, 5],
        lastAttempt: 6,
        lastRotation: 7,
        suspended: { since: 8, reason: 'two rollbacks' },
        paused: { until: 9, reason: 'holiday', who: 'cli:alice' },
        attention: 'drift',
        approved: 10,
        basis: 'every 30d',
      }
      schedule.set(full)
      assert.deepEqual(schedule.get('vapid'), full)
      const blank = { material: 'vapid', failures: 0, rollbacks: [] }
      schedule.set(blank)
      schedule.set({ ...blank, material: 'token' })
      assert.deepEqual(schedule.get('vapid'), blank)
      assert.deepEqual(
        schedule
          .all()
          .map(({ material }) => material)
          .toSorted(),
        ['token', 'vapid'],
      )
    })

    it('remembers the clock that was accepted last', () => {
      assert.equal(schedule.accepted(), undefined)
      schedule.accept({ wall: 1, sinceBoot: 2.5, bootId: 'a' })
      schedule.accept({ wall: 3, sinceBoot: 4, bootId: 'b' })
      assert.deepEqual(schedule.accepted(), { wall: 3, sinceBoot: 4, bootId: 'b' })
      schedule.accept({ wall: 5, sinceBoot: 6, bootId: 'b', doubt: 7 })
      assert.deepEqual(schedule.accepted(), { wall: 5, sinceBoot: 6, bootId: 'b', doubt: 7 })
    })
  })
}
