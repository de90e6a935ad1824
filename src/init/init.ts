import { dirname, join } from 'node:path'
import { OperatorError } from '../support/operator-error.ts'
import { presets } from './catalog.ts'
import { configText, type OwnPlaces } from './config-text.ts'
import { type FirstTime, firstTimes } from './first-dates.ts'
import { type Host, openHost } from './host.ts'
import type { Draft, DraftFile, Finding, Preset } from './preset.ts'

export interface SurveyOptions {
  readonly preset: string
  /** Folder below which the files of the host lie. */
  readonly root: string
  /** Where the config will be: rekeyd's own files go beside it, unless it has its usual place. Absolute. */
  readonly configPath: string
  /** Epoch milliseconds. */
  readonly now: number
}

/** What is on the host, and the config for it. */
export interface Survey {
  readonly found: readonly Finding[]
  /** What could not be known, a sentence each. */
  readonly unknown: readonly string[]
  readonly materials: readonly (FirstTime & { readonly kind: string })[]
  /** Nothing rotates by itself before this day, `2027-01-08`; absent where something is due at once. */
  readonly notBefore?: string
  /** For the operator to install, beside the config. */
  readonly files: readonly DraftFile[]
  /** The config. @param recipients age recipients for the backups */
  text(recipients: readonly string[]): string
}

/**
 * Looks at a host and drafts its config. Nothing is written anywhere.
 * @throws OperatorError `usage` for a preset that there is not, `failed` when the host has nothing of it
 */
export async function surveyHost(options: SurveyOptions): Promise<Survey> {
  const { now } = options
  const preset = presetOf(options.preset)
  const host = openHost(options.root)
  const draft = await preset.survey(host)
  if (!draft) throw nothingFound(options, preset, host)
  if (draft.materials.length === 0) throw nothingToRotate(options, draft, host)
  const times = firstTimes(draft.materials, now)
  const timezone = timezoneOf(host)
  const places = placesFor(options.configPath)
  return {
    found: draft.found,
    unknown: [...draft.unknown, ...[...host.problems].map((problem) => `what is in ${problem}`)],
    materials: times.map((time, index) => ({ ...time, kind: kindOf(draft, index) })),
    ...notBefore(times),
    files: draft.files ?? [],
    text: (recipients) =>
      configText({ preset: options.preset, draft, times, places, timezone, recipients, now }),
  }
}

function kindOf({ materials }: Draft, index: number): string {
  return (materials[index]?.kind ?? '').split(' ')[0] ?? ''
}

function presetOf(name: string): Preset {
  if (Object.hasOwn(presets, name)) return presets[name as keyof typeof presets]
  throw new OperatorError(`there is no preset ${name}`, {
    kind: 'usage',
    hint: `the presets are ${Object.keys(presets).join(', ')}`,
  })
}

/** Its usual places for the usual config; else everything in one folder. */
function placesFor(configPath: string): OwnPlaces {
  const folder = dirname(configPath)
  if (folder === '/etc/rekeyd') {
    return {
      stateDir: '/var/lib/rekeyd',
      storeKey: '/etc/rekeyd/store.key',
      socket: undefined,
      backups: '/var/backups/rekeyd',
    }
  }
  const beside = (name: string) => join(folder, name)
  return {
    stateDir: beside('state'),
    storeKey: beside('store.key'),
    socket: beside('admin.sock'),
    backups: beside('backups'),
  }
}

/** The host's own zone, so that `night` is its night; UTC where that is not known. */
function timezoneOf(host: Host): string {
  const named = host.text('/etc/timezone')?.trim()
  const linked = /zoneinfo\/(.+)$/.exec(host.link('/etc/localtime') ?? '')?.[1]
  return [named, linked].find((zone) => zone !== undefined && isTimezone(zone)) ?? 'UTC'
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function notBefore(times: readonly FirstTime[]): { readonly notBefore?: string } {
  if (times.some(({ when }) => when?.startsWith('at once'))) return {}
  const [first] = times.flatMap(({ date }) => date ?? []).toSorted()
  return first === undefined ? {} : { notBefore: first }
}

function nothingFound(
  { preset, root }: SurveyOptions,
  { looksFor }: Preset,
  { problems }: Host,
): OperatorError {
  const where = root === '/' ? 'on this host' : `below ${root}`
  const unread = [...problems].slice(0, 3).map((problem) => `; ${problem}`)
  return new OperatorError(
    `there is no ${preset} ${where}: looked for ${looksFor}${unread.join('')}`,
    {
      hint: 'where its files lie elsewhere, name their root with --root DIR; `rekeyd init generic` writes a config to begin with',
    },
  )
}

function nothingToRotate({ preset }: SurveyOptions, draft: Draft, host: Host): OperatorError {
  const why = [...draft.unknown, ...host.problems][0] ?? 'it holds no key material'
  const where = draft.found.map(({ where }) => where).join(', ')
  return new OperatorError(`${preset} is there (${where}), but nothing that could be rotated`, {
    hint: `not known is ${why}`,
  })
}
