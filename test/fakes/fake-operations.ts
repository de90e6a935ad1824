import type { Operations } from '../../src/operations/operations.ts'
import type { StatusView } from '../../src/operations/views.ts'

type Call = readonly [name: string, ...values: unknown[]]

export const emptyStatus: StatusView = {
  schema_version: 1,
  version: '1.2.3',
  mode: 'rotate',
  daemon: true,
  paths: { state_dir: '/var/lib/rekeyd' },
  clock: { suspect: false },
  audit_head: '0:',
  materials: [],
}

/** Operations that note what they are asked, and answer as told. */
export class FakeOperations {
  readonly calls: Call[] = []
  /** What to answer, by method; by default something plausible. */
  readonly answers: Partial<Record<keyof Operations, (...values: unknown[]) => unknown>> = {
    status: () => emptyStatus,
    startRotation: () => ({ id: 'abc123' }),
    history: () => [],
    reveal: () => ({ version: 1 }),
  }
  readonly operations = new Proxy({} as Operations, {
    get: (_target, name: keyof Operations) => {
      return async (...values: unknown[]) => {
        this.calls.push([name, ...values])
        return (this.answers[name] ?? (() => ({})))(...values)
      }
    },
  })
}
