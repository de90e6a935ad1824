import type { Events } from '../model/events.ts'
import type { Engine } from '../rotation/engine.ts'
import type { Perform } from '../scheduler/scheduler-parts.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { Clock } from '../support/clock.ts'

const actor = { who: 'schedule' }

/** What the scheduler finds due, handed to the engine. */
export function perform(engine: Engine, keys: KeyStore, events: Events, clock: Clock): Perform {
  return {
    rotate: (materials) =>
      engine.rotate({ materials, trigger: 'schedule', actor, wait: true }).done,
    announce: (material) => engine.announce(material, actor).done,
    endOverlap: async (material) => engine.endOverlap(material, actor)?.done,
    async destroy(material, number) {
      keys.destroy(material, number, actor)
      const version = keys.get(material, number)
      if (version) events.emit('version.destroyed', clock.now(), { version })
    },
    changed: (material) => engine.changed(material),
  }
}
