import { EventEmitter } from 'node:events'
import type { MaterialState } from './material.ts'
import type { NoticeResult } from './notice.ts'
import type { Change, RotationResult, StepName, StepProgress, Trigger } from './rotation.ts'
import type { Version } from './version.ts'

/** Everything that happens in rekeyd, as metrics, notices and the event stream see it. Nothing secret. */
export interface EventMap {
  'rotation.started': { id: string; trigger: Trigger; changes: readonly Change[] }
  'rotation.step': { id: string; step: StepName; seconds: number; outcome: 'done' | 'failed' }
  'rotation.progress': { id: string } & StepProgress
  'rotation.finished': {
    id: string
    trigger: Trigger
    changes: readonly Change[]
    result: RotationResult
    seconds: number
    detail?: string
  }
  'version.active': { version: Version }
  'version.announced': { version: Version }
  'version.retired': { version: Version }
  'version.destroyed': { version: Version }
  'material.state': { material: string; state: MaterialState; reason?: string }
  drift: { material: string; where: 'target' | 'consumer'; place: string; found: boolean }
  'consumer.restarted': { consumer: string; downtimeSeconds: number }
  'scheduler.tick': { at: number }
  'clock.suspect': { suspect: boolean; reason?: string }
  'store.error': { operation: string }
  'backup.finished': { ok: true; path: string } | { ok: false; reason: string }
  'config.reloaded': { ok: boolean; reason?: string }
  notice: { channel: string; title: string; result: NoticeResult; reason?: string }
}

export type EventName = keyof EventMap
export type Event = { [K in EventName]: { type: K; at: number } & EventMap[K] }[EventName]

/** The one outside view of the running parts: typed, synchronous, and deaf listeners cost nothing. */
export class Events {
  readonly #emitter = new EventEmitter().setMaxListeners(0)

  emit<K extends EventName>(type: K, at: number, payload: EventMap[K]): void {
    this.#emitter.emit(type, { type, at, ...payload })
    this.#emitter.emit('*', { type, at, ...payload })
  }

  /** @returns the function that stops listening */
  on<K extends EventName>(type: K, listener: (event: EventMap[K] & { at: number }) => void) {
    this.#emitter.on(type, listener)
    return () => void this.#emitter.off(type, listener)
  }

  /** Every event, in order: for the event stream and the log. */
  onAny(listener: (event: Event) => void) {
    this.#emitter.on('*', listener)
    return () => void this.#emitter.off('*', listener)
  }
}
