import { setImmediate as nextTurn } from 'node:timers/promises'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Events } from '../model/events.ts'
import { rotationResults, stepNames, triggers } from '../model/rotation.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import { countNotices } from './count-notices.ts'
import { registerMaterials } from './material-gauges.ts'
import { onReload } from './on-reload.ts'
import type { Readings } from './reading.ts'

/** What a scrape and a health check answer. */
export interface Metrics {
  render(): Promise<{ readonly contentType: string; readonly text: string }>
  /** `stalled` when the scheduler has ticked before, but not within the last 90 s. */
  health(): 'starting' | 'ticking' | 'stalled'
  /** Stops listening to events. */
  close(): void
}

/** The scheduler ticks every 30 s, and one tick may be missed. Milliseconds. */
const longestSilence = 90_000

/** Rotations take from milliseconds (a file) to the better part of an hour (a large database). */
const rotationBuckets = [0.05, 0.25, 1, 5, 15, 60, 300, 1_800, 3_600]
const stepBuckets = [0.005, 0.025, 0.1, 0.5, 2, 10, 60, 600]
const downtimeBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300]

/**
 * All metrics of interface.md: gauges are read at the scrape, counters and histograms are fed by events.
 * Labels hold configured names only. Every series of what is configured exists from the start, so that
 * its first increase is seen.
 */
export function createMetrics(
  events: Events,
  readings: Readings,
  clock: Clock = systemClock,
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'rekeyd_build_info',
    help: 'What is running; always 1.',
    labelNames: ['version'],
    registers,
  }).set({ version: readings.version }, 1)
  const show = registerMaterials(registers)
  const showBackup = registerBackup(registers)
  registerApiTokens(registers, readings)
  const stops = [
    ...countRotations(events, registers, readings),
    ...countConsumers(events, registers, readings),
    ...countNotices(events, registers, readings),
    ...watchOurselves(events, registers, clock),
  ]
  let lastTick: number | undefined
  stops.push(events.on('scheduler.tick', () => (lastTick = clock.sinceBoot())))
  let rendering: Promise<string> | undefined
  return {
    async render() {
      const read = () => {
        show(readings.materials())
        showBackup(readings.newestBackup())
      }
      rendering ??= textOf(registry, read).finally(() => {
        rendering = undefined
      })
      return { contentType: registry.contentType, text: await rendering }
    },
    health() {
      if (lastTick === undefined) return 'starting'
      return clock.sinceBoot() - lastTick > longestSilence ? 'stalled' : 'ticking'
    },
    close() {
      for (const stop of stops) stop()
    },
  }
}

/** @returns what takes the time of the newest backup; without one there is no sample */
function registerBackup(registers: Registry[]): (newest: number | undefined) => void {
  const gauge = new Gauge({
    name: 'rekeyd_backup_last_success_timestamp_seconds',
    help: 'When the newest backup in the configured folder was made.',
    registers,
  })
  return (newest) => (newest === undefined ? gauge.remove() : gauge.set(newest / 1000))
}

/** One metric a turn of the event loop: thousands of materials must not hold anybody up. */
async function textOf(registry: Registry, read: () => void): Promise<string> {
  read()
  const texts: string[] = []
  for (const { name } of registry.getMetricsAsArray()) {
    await nextTurn()
    texts.push(await registry.getSingleMetricAsString(name))
  }
  return `${texts.join('\n\n')}\n`
}

/** A file of tokens that cannot be read has no series: the log says what is wrong with it. */
function registerApiTokens(registers: Registry[], readings: Readings): Gauge {
  return new Gauge({
    name: 'rekeyd_api_token_expiration_timestamp_seconds',
    help: 'When a token of the admin API ends.',
    labelNames: ['token'],
    registers,
    async collect() {
      const tokens = await readings.apiTokens().catch(() => [])
      this.reset()
      for (const { name, expires } of tokens) this.set({ token: name }, Date.parse(expires) / 1000)
    },
  })
}

function countRotations(events: Events, registers: Registry[], readings: Readings) {
  const rotations = new Counter({
    name: 'rekeyd_rotations_total',
    help: 'Rotations that ended, by material, by what began them and by how they ended.',
    labelNames: ['material', 'trigger', 'result'],
    registers,
  })
  const duration = new Histogram({
    name: 'rekeyd_rotation_duration_seconds',
    help: 'How long rotations took, from intent to finish.',
    labelNames: ['kind'],
    buckets: rotationBuckets,
    registers,
  })
  const steps = new Histogram({
    name: 'rekeyd_rotation_step_duration_seconds',
    help: 'How long single steps of rotations took.',
    labelNames: ['step'],
    buckets: stepBuckets,
    registers,
  })
  for (const step of stepNames) steps.zero({ step })
  const zeroed = new Set<string>()
  let kinds = new Map<string, string>()
  const declare = () => {
    kinds = new Map(readings.materials().map(({ name, kind }) => [name, kind]))
    for (const material of kinds.keys()) {
      for (const trigger of triggers) {
        for (const result of rotationResults) rotations.inc({ material, trigger, result }, 0)
      }
    }
    for (const kind of kinds.values()) {
      if (!zeroed.has(kind)) duration.zero({ kind })
      zeroed.add(kind)
    }
  }
  declare()
  return [
    onReload(events, declare),
    events.on('rotation.finished', ({ changes, trigger, result, seconds }) => {
      for (const { material } of changes) rotations.inc({ material, trigger, result })
      const touched = new Set(changes.map(({ material }) => kinds.get(material) ?? 'unknown'))
      for (const kind of touched) duration.observe({ kind }, seconds)
    }),
    events.on('rotation.step', ({ step, seconds }) => steps.observe({ step }, seconds)),
  ]
}

function countConsumers(events: Events, registers: Registry[], readings: Readings) {
  const restarts = new Counter({
    name: 'rekeyd_consumer_restarts_total',
    help: 'Times that a consumer was restarted.',
    labelNames: ['consumer'],
    registers,
  })
  const downtime = new Histogram({
    name: 'rekeyd_consumer_downtime_seconds',
    help: 'How long a consumer was down each time, until it was ready again.',
    labelNames: ['consumer'],
    buckets: downtimeBuckets,
    registers,
  })
  const known = new Set<string>()
  const declare = () => {
    for (const consumer of readings.consumers()) {
      if (known.has(consumer)) continue
      known.add(consumer)
      restarts.inc({ consumer }, 0)
      downtime.zero({ consumer })
    }
  }
  declare()
  return [
    onReload(events, declare),
    events.on('consumer.restarted', ({ consumer, downtimeSeconds }) => {
      restarts.inc({ consumer })
      downtime.observe({ consumer }, downtimeSeconds)
    }),
  ]
}

function watchOurselves(events: Events, registers: Registry[], clock: Clock) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const tick = gauge(
    'rekeyd_scheduler_last_tick_timestamp_seconds',
    'When the scheduler last looked at what is due; before it ever did, when rekeyd started.',
  )
  const suspicion = gauge(
    'rekeyd_clock_suspect',
    'Whether the clock is not trusted, and nothing is made.',
  )
  const reload = gauge('rekeyd_config_last_reload_successful', 'Whether the last reload was taken.')
  const reloaded = gauge(
    'rekeyd_config_last_reload_success_timestamp_seconds',
    'When the config was last taken over.',
  )
  const errors = new Counter({
    name: 'rekeyd_store_errors_total',
    help: 'Times that the store could not be written.',
    registers,
  })
  tick.set(clock.now() / 1000)
  reload.set(1)
  reloaded.set(clock.now() / 1000)
  return [
    events.on('scheduler.tick', ({ at }) => tick.set(at / 1000)),
    events.on('clock.suspect', ({ suspect }) => suspicion.set(suspect ? 1 : 0)),
    events.on('store.error', () => errors.inc()),
    events.on('config.reloaded', ({ ok, at }) => {
      reload.set(ok ? 1 : 0)
      if (ok) reloaded.set(at / 1000)
    }),
  ]
}
