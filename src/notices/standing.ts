import { formatDuration } from '../support/duration.ts'
import type { Announcement } from './notice.ts'
import type { MaterialOutlook } from './outlook.ts'
import { written } from './times.ts'

/** What a person has to do something about, at one material. Pure. */
export function announceStanding(material: MaterialOutlook, now: number): readonly Announcement[] {
  return [blocked(material, now), ending(material, now), drifted(material)].filter(
    (one) => one !== undefined,
  )
}

export function isPaused({ schedule: { paused } }: MaterialOutlook, now: number): boolean {
  return paused !== undefined && (paused.until ?? Infinity) > now
}

/** Why it does not go on by itself: the first says it all. */
function blocked(material: MaterialOutlook, now: number): Announcement | undefined {
  const attention = needingAttention(material)
  if (attention || isPaused(material, now)) return attention
  return suspended(material) ?? awaitingApproval(material) ?? overdue(material, now)
}

function needingAttention({ name, schedule }: MaterialOutlook): Announcement | undefined {
  if (schedule.attention === undefined) return undefined
  const command = `rekeyd status ${name}`
  return {
    ...reminder(name, 'needs_attention'),
    severity: 'critical',
    title: `${name} needs attention`,
    lines: [
      schedule.attention,
      `\`${command}\` shows where it stands; then \`rekeyd adopt\`, \`apply\` or \`resume ${name}\`.`,
    ],
    command,
  }
}

function suspended({ name, schedule }: MaterialOutlook): Announcement | undefined {
  if (!schedule.suspended) return undefined
  const command = `rekeyd resume ${name}`
  return {
    ...reminder(name, 'suspended'),
    severity: 'critical',
    title: `${name} is suspended: it is not tried any more`,
    lines: [schedule.suspended.reason, `Try again: \`${command}\``],
    command,
  }
}

function awaitingApproval({ name, awaitsApproval, impact }: MaterialOutlook) {
  if (!awaitsApproval) return undefined
  const command = `rekeyd approve ${name}`
  return {
    ...reminder(name, 'awaiting_approval'),
    severity: 'warning',
    title: `${name} is due and waits for approval`,
    lines: [...(impact === undefined ? [] : [impact]), `Let it rotate: \`${command}\``],
    command,
  } as const
}

/** What expires is told of by its end instead. */
function overdue(material: MaterialOutlook, now: number): Announcement | undefined {
  const { name, schedule, alertLead, active, observed } = material
  const { due } = schedule
  if (due === undefined || due + alertLead > now) return undefined
  if (observed || active?.notAfter !== undefined) return undefined
  const command = `rekeyd history ${name}`
  return {
    ...reminder(name, 'overdue'),
    severity: 'warning',
    title: `${name} has been due since ${written(due)}`,
    lines: [...lastFailure(material), `\`${command}\` shows what was tried.`],
    command,
  }
}

function ending(material: MaterialOutlook, now: number): Announcement | undefined {
  const { name, active, alertLead } = material
  const end = active?.notAfter
  if (end === undefined || end - alertLead > now) return undefined
  const isOver = end <= now
  const command = `rekeyd rotate ${name}`
  return {
    ...reminder(name, 'expiry'),
    cause: `${isOver ? 'expired' : 'expiry'} ${name} ${active?.number}`,
    severity: isOver ? 'critical' : 'warning',
    title: isOver
      ? `${name} expired ${formatDuration(now - end)} ago`
      : `${name} expires in ${formatDuration(end - now)}`,
    lines: [
      `Its end is ${written(end)}, and nothing has renewed it: what issues it may end, too.`,
      ...lastFailure(material),
      `Try it: \`${command}\``,
    ],
    command,
  }
}

function drifted({ name, drift }: MaterialOutlook): Announcement | undefined {
  if (drift.length === 0) return undefined
  return {
    ...reminder(name, 'drift'),
    severity: 'warning',
    title: `${name} is not what its places hold`,
    lines: [
      `Something else stands at ${drift.join(', ')}.`,
      `Take it: \`rekeyd adopt ${name}\`. Write ours again: \`rekeyd apply ${name}\``,
    ],
    command: `rekeyd status ${name}`,
  }
}

function lastFailure({ failure }: MaterialOutlook): readonly string[] {
  return failure === undefined ? [] : [`The last attempt: ${failure}`]
}

function reminder<K extends Announcement['kind']>(name: string, kind: K) {
  return { cause: `${kind} ${name}`, kind, materials: [name], reminded: true }
}
