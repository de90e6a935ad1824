import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createStoreFor } from '../../src/assemble.ts'
import { assemble } from '../../src/assembly/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { type Event, Events } from '../../src/model/events.ts'
import type { RotateOptions } from '../../src/operations/views.ts'
import { openStore } from '../../src/store/store.ts'
import { type Clock, systemClock } from '../../src/support/clock.ts'

const caller = { who: 'cli:operator' }

/** The first lines of every config here: everything below `folder`, nothing listens. */
export function preamble(folder: string): string {
  return `
state_dir: ${folder}/rekeyd/state
store_key: { file: ${folder}/rekeyd/store.key }
admin: { socket: { path: ${folder}/rekeyd/admin.sock } }
metrics: { listen: "127.0.0.1:0" }
`
}

export type ScratchRekeyd = Awaited<ReturnType<typeof openRekeyd>>

/**
 * rekeyd itself in this process, put together as the daemon and the offline CLI do, on the config given. What
 * is due by itself starts only with `start`.
 */
export async function openRekeyd(folder: string, yaml: string, clock: Clock = systemClock) {
  const home = join(folder, 'rekeyd')
  const path = join(home, 'rekeyd.yaml')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(path, preamble(folder) + yaml, { mode: 0o600 })
  return openConfig(path, clock)
}

/** The same on a config that is there. */
export async function openConfig(path: string, clock: Clock = systemClock) {
  const config = await loadConfig({ path, now: clock.now() })
  if (!existsSync(config.stateDir)) await createStoreFor(config)
  const { stateDir, storeKey } = config
  const store = await openStore({ stateDir, storeKey, clock })
  const events = new Events()
  const seen: Event[] = []
  events.onAny((event) => void seen.push(event))
  const paths = { state_dir: stateDir }
  const assembly = assemble({ config, store, clock, events, surroundings: { daemon: true, paths } })
  const metrics = createMetrics(events, {
    materials: () => assembly.readings(),
    consumers: () => config.consumers.map(({ name }) => name),
    channels: () => assembly.channels,
    newestBackup: () => assembly.backups.newest,
    apiTokens: async () => [],
    version: assembly.version,
  })
  const { operations } = assembly
  await assembly.recover()
  return {
    operations,
    events: seen as readonly Event[],
    on: (listener: (event: Event) => void) => events.onAny(listener),
    start: () => assembly.start(),
    metrics: async () => (await metrics.render()).text,
    /** Rotates as `rekeyd rotate NAME` does, and waits for the end. */
    async rotate(name: string, options: RotateOptions = {}) {
      const { id } = await operations.startRotation(name, options, caller)
      return operations.wait(id)
    },
    /** Rotates, and expects it to succeed. */
    async renew(name: string, options: RotateOptions = {}) {
      const rotation = await this.rotate(name, options)
      assert.equal(rotation.result, 'succeeded', rotation.detail)
      return rotation
    },
    import: (name: string, files: Readonly<Record<string, string>>) =>
      operations.import(
        name,
        Object.entries(files).map(([part, path]) => ({ part, path })),
        {},
        caller,
      ),
    /** Each material's active version by name. */
    async active() {
      const { materials } = await operations.status()
      return Object.fromEntries(materials.map(({ name, active }) => [name, active?.version]))
    },
    async close() {
      metrics.close()
      await assembly.stop(1_000)
      store.close()
    },
  }
}
