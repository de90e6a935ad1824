import type { Event, EventMap, EventName, Events } from '../model/events.ts'
import type { Change, RotationResult } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import type { AuditEntry } from '../store/audit.ts'

/** One line of the log for people and machines: JSON, with a message that stands alone. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

/** Sends what happens to the log. Ticks and single steps are left to the metrics and the history. */
export function logEvents(events: Events, write: (line: LogLine) => void): void {
  events.onAny((event) => {
    const line = lineOf(event)
    if (line) write(line)
  })
}

/** Every audit row as a line: whoever keeps the log can tell when rows are missing from the store. */
export function auditLine({ seq, hash, action, who, material, version }: AuditEntry): LogLine {
  const subject = material === undefined ? '' : ` ${material}`
  const number = version === undefined ? '' : ` version ${version}`
  return info(`audit: ${action}${subject}${number}`, { audit_head: `${seq}:${hash}`, who })
}

type Wording = { readonly [K in EventName]?: (event: EventMap[K]) => LogLine | undefined }

const wording: Wording = {
  'rotation.started': ({ id, trigger, changes }) =>
    info(`rotation started: ${changesOf(changes)}`, { rotation: id, trigger }),
  'rotation.finished': ({ id, trigger, changes, result, seconds, detail }) => ({
    level: levels[result],
    message: `rotation ${result}: ${changesOf(changes)}${reasonOf(detail)}`,
    fields: { rotation: id, trigger, result, seconds },
  }),
  'version.announced': ({ version }) => info(`announced: ${nameOf(version)}`),
  'version.retired': ({ version }) => info(`${version.state}: ${nameOf(version)}`),
  'version.destroyed': ({ version }) => info(`destroyed: ${nameOf(version)}`),
  'material.state': ({ material, state, reason }) =>
    state === 'idle' || state === 'rotating'
      ? undefined
      : {
          level: state === 'needs_attention' || state === 'suspended' ? 'warn' : 'info',
          message: `${material} is ${state.replace('_', ' ')}${reasonOf(reason)}`,
          fields: { material, state },
        },
  drift: ({ material, place, found }) =>
    warn(`drift ${found ? 'found' : 'gone'} at ${place}`, { material }),
  'consumer.restarted': ({ consumer, downtimeSeconds }) =>
    info(`${consumer} was restarted`, { downtime_seconds: downtimeSeconds }),
  'clock.suspect': ({ suspect, reason }) =>
    warn(suspect ? `the clock is not trusted${reasonOf(reason)}` : 'the clock is trusted again'),
  'store.error': ({ operation }) => ({
    level: 'error',
    message: `the store could not be written: ${operation}`,
    fields: {},
  }),
  'backup.finished': (event) =>
    event.ok ? info(`backed up to ${event.path}`) : warn(`backup failed: ${event.reason}`),
  'config.reloaded': ({ ok, reason }) =>
    ok ? info('config reloaded') : warn(`config refused${reasonOf(reason)}`),
  notice: noticeLine,
}

/** A heartbeat that gets through is no news. */
function noticeLine({ channel, title, result, reason }: EventMap['notice']): LogLine | undefined {
  const fields = { channel, result }
  if (result === 'failed') {
    return warn(`${channel} did not take a notice, it is tried again${reasonOf(reason)}`, fields)
  }
  return channel === 'heartbeat'
    ? undefined
    : info(`notice ${result} by ${channel}: ${title}`, fields)
}

const levels: Readonly<Record<RotationResult, LogLine['level']>> = {
  succeeded: 'info',
  applied_unproved: 'warn',
  rolled_back: 'warn',
  failed: 'warn',
  needs_attention: 'error',
}

function lineOf(event: Event): LogLine | undefined {
  const word = wording[event.type] as ((event: Event) => LogLine | undefined) | undefined
  return word?.(event)
}

function reasonOf(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`
}

function nameOf({ material, number }: Version): string {
  return `version ${number} of ${material}`
}

function changesOf(changes: readonly Change[]): string {
  return changes
    .map(({ material, from, to }) => `${material} ${from ?? 'none'} → ${to ?? 'next'}`)
    .join(', ')
}

function info(message: string, fields: LogLine['fields'] = {}): LogLine {
  return { level: 'info', message, fields }
}

function warn(message: string, fields: LogLine['fields'] = {}): LogLine {
  return { level: 'warn', message, fields }
}
