import type { Operations } from '../../src/operations/operations.ts'
import type { MaterialView, RotationView, StatusView } from '../../src/operations/views.ts'

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

const scratchMaterial: MaterialView = {
  name: 'key',
  kind: 'token',
  state: 'idle',
  schedule: 'every 30d',
  consecutive_failures: 0,
  versions: [],
  targets: [],
  consumers: [],
  drift: [],
}

const scratchRotation: RotationView = {
  schema_version: 1,
  id: 'abc123',
  trigger: 'manual',
  actor: 'cli:eve',
  started: '2027-01-01T00:00:00.000Z',
  steps: [],
  changes: [{ material: 'key', to: 1 }],
}

/** Operations that note what they are asked, and answer as told. */
export class FakeOperations {
  readonly calls: Call[] = []
  /** What to answer, by method; by default something plausible. */
  readonly answers: Partial<Record<keyof Operations, (...values: unknown[]) => unknown>> = {
    status: () => emptyStatus,
    startRotation: () => ({ id: 'abc123' }),
    history: () => [],
    plan: () => [],
    material: () => scratchMaterial,
    rotation: () => scratchRotation,
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
