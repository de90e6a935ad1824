import { Gauge, type Registry } from 'prom-client'
import { materialStates } from '../model/material.ts'
import { type Version, versionStates } from '../model/version.ts'
import type { MaterialReading } from './reading.ts'

/** The labels beside `material`, and the value. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** One gauge per material; what is unknown has no sample, so that it is never shown as 0. */
interface MaterialGauge {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  readonly samples: (reading: MaterialReading) => readonly Sample[]
}

const gauges: readonly MaterialGauge[] = [
  {
    name: 'expiration_timestamp_seconds',
    help: 'When the active version stops being valid by itself.',
    labels: ['kind'],
    samples: ({ kind, active }) => moment(active?.notAfter, { kind }),
  },
  {
    name: 'next_rotation_timestamp_seconds',
    help: 'When the next rotation is due; stays there while it is retried.',
    samples: ({ schedule }) => moment(schedule.due),
  },
  {
    name: 'next_attempt_timestamp_seconds',
    help: 'When a failed rotation is tried again.',
    samples: ({ schedule }) => moment(schedule.nextAttempt),
  },
  {
    name: 'last_rotation_timestamp_seconds',
    help: 'When the active version was put in place.',
    samples: ({ schedule }) => moment(schedule.lastRotation),
  },
  {
    name: 'last_attempt_timestamp_seconds',
    help: 'When a rotation was last tried.',
    samples: ({ schedule }) => moment(schedule.lastAttempt),
  },
  {
    name: 'overlap_end_timestamp_seconds',
    help: 'Until when clients may use the previous version.',
    samples: ({ overlapUntil }) => moment(overlapUntil),
  },
  {
    name: 'alert_lead_seconds',
    help: 'How long before its end, or after it was due, somebody must be told.',
    samples: ({ alertLead }) => [[{}, alertLead / 1000]],
  },
  {
    name: 'consecutive_failures',
    help: 'Rotations that failed since the last one that succeeded.',
    samples: ({ schedule }) => [[{}, schedule.failures]],
  },
  {
    name: 'state',
    help: 'The state a material is in; 1 for that one.',
    labels: ['state'],
    samples: (reading) =>
      materialStates.map((state) => [{ state }, Number(reading.state === state)]),
  },
  {
    name: 'versions',
    help: 'Versions by state.',
    labels: ['state'],
    samples: ({ versions }) => versionStates.map((state) => [{ state }, versions[state]]),
  },
  {
    name: 'drift',
    help: 'Whether a target or consumer holds something else than the active version.',
    labels: ['where'],
    samples: ({ drift }) => [
      [{ where: 'target' }, Number(drift.target)],
      [{ where: 'consumer' }, Number(drift.consumer)],
    ],
  },
  {
    name: 'info',
    help: 'The active version; always 1.',
    labels: ['kind', 'algorithm', 'version', 'fingerprint'],
    samples: ({ kind, active }) => (active ? [[{ kind, ...identityOf(active) }, 1]] : []),
  },
]

/**
 * Registers the gauges.
 * @returns what shows them as they were read, all in one moment
 */
export function registerMaterials(
  registers: Registry[],
): (readings: readonly MaterialReading[]) => void {
  const made = gauges.map(({ name, help, labels = [], samples }) => ({
    samples,
    gauge: new Gauge({
      name: `rekeyd_material_${name}`,
      help,
      labelNames: ['material', ...labels],
      registers,
    }),
  }))
  return (readings) => {
    for (const { gauge, samples } of made) {
      gauge.reset()
      for (const reading of readings) {
        for (const [own, value] of samples(reading)) {
          gauge.set({ material: reading.name, ...own }, value)
        }
      }
    }
  }
}

function moment(
  milliseconds: number | undefined,
  labels: Readonly<Record<string, string>> = {},
): readonly Sample[] {
  return milliseconds === undefined ? [] : [[labels, milliseconds / 1000]]
}

function identityOf({ number, attributes, fingerprint }: Version) {
  return {
    algorithm: attributes['algorithm'] ?? '',
    version: String(number),
    fingerprint: fingerprint.replace(/^[a-z0-9]+:/, '').slice(0, 16),
  }
}
