import type { VersionState } from './version.ts'

/** What can happen to a version. */
export type LifecycleEvent =
  | 'activate'
  | 'retire'
  | 'withdraw'
  | 'destroy'
  | 'abandon'
  | 'reactivate'

/**
 * The only way a version changes state. `abandon` is a prepared version that never went live;
 * `reactivate` is a rollback to it; `withdraw` from active is a rollback away from it.
 */
const lifecycle: Readonly<Record<VersionState, Partial<Record<LifecycleEvent, VersionState>>>> = {
  prepared: { activate: 'active', abandon: 'withdrawn' },
  active: { retire: 'retiring', withdraw: 'withdrawn' },
  retiring: { withdraw: 'withdrawn', reactivate: 'active' },
  withdrawn: { destroy: 'destroyed', reactivate: 'active' },
  destroyed: {},
}

/**
 * The state after `event`.
 * @throws RangeError for a transition that the table does not have: a defect in the caller
 */
export function transition(from: VersionState, event: LifecycleEvent): VersionState {
  const to = lifecycle[from][event]
  if (!to) throw new RangeError(`a ${from} version cannot ${event}`)
  return to
}

/** A compromised version is never given back. */
export function canReactivate(version: {
  readonly state: VersionState
  readonly compromised: boolean
}): boolean {
  return !version.compromised && lifecycle[version.state].reactivate !== undefined
}
