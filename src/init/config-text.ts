import { dateOf, type FirstTime } from './first-dates.ts'
import type { Draft, MaterialDraft, Rotation } from './preset.ts'
import { flow } from './yaml-flow.ts'

/** Where the daemon keeps its own files; `undefined` for the places it has by default. */
export interface OwnPlaces {
  readonly stateDir: string
  readonly storeKey: string
  readonly socket: string | undefined
  readonly backups: string
}

export interface ConfigTextOptions {
  readonly preset: string
  readonly draft: Draft
  readonly times: readonly FirstTime[]
  readonly places: OwnPlaces
  readonly timezone: string
  /** age recipients; none leaves the section as a comment. */
  readonly recipients: readonly string[]
  /** Epoch milliseconds. */
  readonly now: number
}

/** The whole config. Whatever was not known stands there as a comment; it is valid as it is. */
export function configText(options: ConfigTextOptions): string {
  const { draft, times } = options
  return [
    ...head(options),
    ...(draft.consumers.length === 0 ? [] : ['', 'consumers:']),
    ...draft.consumers.flatMap(({ name, lines }) => [`  ${name}:`, ...indented(lines)]),
    '',
    'materials:',
    ...draft.materials.flatMap((material, index) => [
      ...(index === 0 ? [] : ['']),
      ...materialLines(
        material,
        times.find(({ name }) => name === material.name),
      ),
    ]),
    '',
  ].join('\n')
}

function head(options: ConfigTextOptions): readonly string[] {
  const { preset, places, timezone, now } = options
  const window = { cron: '0 3 * * *', duration: '2h', timezone }
  return [
    '# yaml-language-server: $schema=./rekeyd.schema.json',
    `# Written by \`rekeyd init ${preset}\` on ${dateOf(now)}, from then on yours: \`rekeyd check-config\` says whether it holds.`,
    '# `rekeyd schema > rekeyd.schema.json` gives your editor the schema.',
    'mode: rotate                    # or observe: change nothing, watch · approve: ask before each rotation',
    `state_dir: ${flow(places.stateDir)}`,
    `store_key: ${flow({ file: places.storeKey })}`,
    ...(places.socket === undefined ? [] : [`admin: ${flow({ socket: { path: places.socket } })}`]),
    ...recoveryLines(options),
    'defaults: { window: night }',
    'windows:',
    `  night: ${flow(window)}`,
  ]
}

function recoveryLines({ recipients, places }: ConfigTextOptions): readonly string[] {
  const backup = `backup: ${flow({ to: places.backups, keep: 30 })}`
  if (recipients.length > 0) return [`recovery: ${flow({ recipients })}`, backup]
  return [
    '# Nobody could open a backup yet. `age-keygen -o key.txt` on another machine prints the public key that belongs here:',
    '# recovery: { recipients: [age1…] }',
    `# ${backup}`,
  ]
}

function materialLines(
  { name, about, kind, rotate, lines }: MaterialDraft,
  time: FirstTime | undefined,
): readonly string[] {
  return [
    ...about.map((line) => `  # ${line}`),
    `  ${name}:`,
    ...indented([`kind: ${kind}`, `rotate: ${rotateText(rotate, time?.date)}`, ...lines]),
  ]
}

function rotateText(rotate: Rotation, first: string | undefined): string {
  if ('every' in rotate) return `{ every: ${rotate.every}, first: ${first} }`
  if ('beforeExpiry' in rotate) return `{ before_expiry: ${rotate.beforeExpiry}d }`
  if ('onChange' in rotate) return 'on_change'
  if ('expect' in rotate) return `{ watch: ${flow(rotate)} }`
  return 'on_compromise'
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `    ${line}`)
}
