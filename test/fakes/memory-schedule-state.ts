import type {
  AcceptedClock,
  MaterialSchedule,
  ScheduleState,
} from '../../src/store/schedule-state.ts'

/** Schedule state that outlives the scheduler under test, as the store would. */
export class MemoryScheduleState implements ScheduleState {
  readonly #schedules = new Map<string, MaterialSchedule>()
  #accepted: AcceptedClock | undefined
  /** How often something was written: each is a durable commit in the real store. */
  writes = 0

  get(material: string): MaterialSchedule {
    return this.#schedules.get(material) ?? { material, failures: 0, rollbacks: [] }
  }

  all(): readonly MaterialSchedule[] {
    return [...this.#schedules.values()]
  }

  set(state: MaterialSchedule): void {
    this.writes += 1
    this.#schedules.set(state.material, state)
  }

  accepted(): AcceptedClock | undefined {
    return this.#accepted
  }

  accept(clock: AcceptedClock): void {
    this.writes += 1
    this.#accepted = clock
  }
}
