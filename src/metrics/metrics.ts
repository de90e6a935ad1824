import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Events } from '../model/events.ts'
import { rotationResults, triggers } from '../model/rotation.ts'
import { observeMaterials } from './material-gauges.ts'
import type { Readings } from './reading.ts'

/** What a scrape answers. */
export interface Metrics {
  render(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Stops listening to events. */
  close(): void
}

/** Rotations take from milliseconds (a file) to the better part of an hour (a large database). */
const rotationBuckets = [0.05, 0.25, 1, 5, 15, 60, 300, 1_800, 3_600]
const stepBuckets = [0.005, 0.025, 0.1, 0.5, 2, 10, 60, 600]
const downtimeBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300]

/**
 * All metrics of interface.md: gauges are read at the scrape, counters and histograms are fed by events.
 * Labels hold configured names only.
 */
export function createMetrics(events: Events, readings: Readings): Metrics {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'rekeyd_build_info',
    help: 'What is running; always 1.',
    labelNames: ['version'],
    registers,
  }).set({ version: readings.version }, 1)
  observeMaterials(registry, readings)
  const stops = [
    ...countRotations(events, registers, readings),
    ...countConsumers(events, registers, readings),
    ...watchOurselves(events, registers),
  ]
  return {
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
    close() {
      for (const stop of stops) stop()
    },
  }
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
  const kinds = new Map(readings.materials().map(({ name, kind }) => [name, kind]))
  for (const material of kinds.keys()) {
    for (const trigger of triggers) {
      for (const result of rotationResults) rotations.inc({ material, trigger, result }, 0)
    }
  }
  return [
    events.on('rotation.finished', ({ changes, trigger, result, seconds }) => {
      for (const { material } of changes) {
        rotations.inc({ material, trigger, result })
        duration.observe({ kind: kinds.get(material) ?? 'unknown' }, seconds)
      }
    }),
    events.on('rotation.step', ({ step, seconds }) => steps.observe({ step }, seconds)),
  ]
}

function countConsumers(events: Events, registers: Registry[], { consumers }: Readings) {
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
  for (const consumer of consumers) {
    restarts.inc({ consumer }, 0)
    downtime.zero({ consumer })
  }
  return [
    events.on('consumer.restarted', ({ consumer, downtimeSeconds }) => {
      restarts.inc({ consumer })
      downtime.observe({ consumer }, downtimeSeconds)
    }),
  ]
}

function watchOurselves(events: Events, registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const tick = gauge(
    'rekeyd_scheduler_last_tick_timestamp_seconds',
    'When the scheduler last looked at what is due.',
  )
  const clock = gauge(
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
  clock.set(0)
  reload.set(1)
  reloaded.setToCurrentTime()
  return [
    events.on('scheduler.tick', ({ at }) => tick.set(at / 1000)),
    events.on('clock.suspect', ({ suspect }) => clock.set(suspect ? 1 : 0)),
    events.on('store.error', () => errors.inc()),
    events.on('config.reloaded', ({ ok, at }) => {
      reload.set(ok ? 1 : 0)
      if (ok) reloaded.set(at / 1000)
    }),
  ]
}
