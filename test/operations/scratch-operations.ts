import type { ImpactCount } from '../../src/model/impact.ts'
import type { Mode } from '../../src/model/material.ts'
import type { StepProgress } from '../../src/model/rotation.ts'
import type { DescribedMaterial, Planner } from '../../src/operations/described.ts'
import { LocalOperations } from '../../src/operations/local-operations.ts'
import type { PlanItem } from '../../src/operations/views.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { MemoryTarget, memoryKind, memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from '../rotation/scratch-engine.ts'

/** A target whose staging can be held up, to see what happens while a rotation is under way. */
class HeldTarget extends MemoryTarget {
  gate: Promise<void> = Promise.resolve()

  override async stage(move: Parameters<MemoryTarget['stage']>[0]) {
    await this.gate
    return super.stage(move)
  }
}

/** Schedules that do what a test says. */
class ScratchPlanner implements Planner {
  isOpen = true
  dueNow: readonly string[] = []
  items: readonly PlanItem[] = []
  readonly approved: string[] = []
  readonly #scratch: ScratchEngine

  constructor(scratch: ScratchEngine) {
    this.#scratch = scratch
  }

  state(material: string) {
    const { paused } = this.#scratch.store.schedule.get(material)
    return paused ? { state: 'paused' as const, reason: paused.reason } : { state: 'idle' as const }
  }

  inWindow(): boolean {
    return this.isOpen
  }

  upcoming(days: number): readonly PlanItem[] {
    return days > 0 ? this.items : []
  }

  dueAfter(_material: string, moment: number): number {
    return moment + 30 * 86_400_000
  }

  due(): readonly string[] {
    return this.dueNow
  }

  pause(material: string, until: number | undefined, reason: string, who: string): void {
    const { schedule } = this.#scratch.store
    const paused = { reason, who, ...(until !== undefined && { until }) }
    schedule.set({ ...schedule.get(material), paused }, { who }, 'pause')
  }

  resume(material: string, who: string): void {
    const { schedule } = this.#scratch.store
    const { paused: _, ...state } = schedule.get(material)
    schedule.set(state, { who }, 'resume')
  }

  approve(material: string, who: string): void {
    this.approved.push(`${material} by ${who}`)
  }

  changed(): void {}
}

/**
 * Operations on a real store and engine, whose materials live in memory: `key`, `shared` (breaks clients)
 * and `fading` (has an overlap).
 */
export class ScratchOperations {
  readonly scratch = new ScratchEngine()
  readonly planner = new ScratchPlanner(this.scratch)
  readonly held = new HeldTarget(this.scratch.world, '/key')
  mode: Mode = 'rotate'
  /** How many backups there are. */
  backups = 3
  impactCount: ImpactCount = { unit: 'users', count: 412 }
  suspicion: string | undefined
  readonly progress = new Map<string, StepProgress>()
  /** What is done before anything is changed: whatever a crash left open is ended. */
  recover = async (): Promise<void> => {}
  #refusal: OperatorError | undefined

  async create(): Promise<LocalOperations> {
    const { scratch } = this
    const materials = [
      memoryMaterial(scratch.world, 'key', {
        targets: [this.held],
        permit: async () => {
          if (this.#refusal) throw this.#refusal
        },
        kind: { ...memoryKind, parts: { value: { formats: ['raw'] } } },
      }),
      memoryMaterial(scratch.world, 'shared'),
      memoryMaterial(scratch.world, 'fading', { overlap: 60_000 }),
    ]
    const engine = await scratch.create(materials)
    await engine.start()
    const { keys, journal, schedule, audit } = scratch.store
    return new LocalOperations({
      engine,
      keys,
      journal,
      schedule,
      audit,
      planner: this.planner,
      clock: scratch.clock,
      recover: () => this.recover(),
      record: (actor, event) => scratch.store.record(actor, event),
      examine: async () => ({
        schema_version: 1,
        ok: true,
        user: 'rekeyd',
        daemon: true,
        findings: [],
      }),
      progress: (id) => this.progress.get(id),
      backups: {
        make: async (_, folder = '/var/backups') => ({
          path: `${folder}/rekeyd.age`,
          bytes: 1,
          made: scratch.clock.now(),
        }),
        purge: async () => {
          if (this.backups === 0) throw new OperatorError('the folder is read-only')
          const purged = this.backups
          this.backups = 1
          return purged
        },
      },
      notices: {
        test: async (channel = 'ntfy') => {
          if (channel !== 'ntfy') throw new OperatorError('no such channel', { kind: 'usage' })
          return [{ channel, ok: true, seconds: 0.1 }]
        },
      },
      surroundings: {
        version: '1.2.3',
        mode: this.mode,
        daemon: true,
        paths: { state_dir: '/var/lib/rekeyd' },
        clock: () => ({
          suspect: this.suspicion !== undefined,
          ...(this.suspicion !== undefined && { reason: this.suspicion }),
        }),
      },
      materials: [
        described('key', { contains: ['shared'], elsewhere: 'tell the others' }),
        described('shared', {
          impact: 'all sessions drop',
          impactCount: { unit: 'users', reads: ['shared'], ask: async () => this.impactCount },
        }),
        described('fading'),
      ],
    })
  }

  /** From now on policy is against replacing `key`. */
  refuse(why: string): void {
    this.#refusal = new OperatorError(why, { kind: 'refused' })
  }

  /** What the world holds at a material's place. */
  live(name: string): string | undefined {
    return this.scratch.world.places.get(`/${name}`)
  }

  dispose(): void {
    this.scratch.dispose()
  }
}

function described(name: string, more: Partial<DescribedMaterial> = {}): DescribedMaterial {
  return {
    name,
    kind: 'memory',
    schedule: 'every 30d',
    consumers: [`${name}-server`],
    targets: [{ type: 'memory', path: `/${name}`, version: 'active' }],
    approval: false,
    contains: [],
    ...more,
  }
}
