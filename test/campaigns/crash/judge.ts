import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Version } from '../../../src/model/version.ts'
import { contentOf, genuineOpens } from '../../support/databases.ts'
import { type OpenRekeyd, openRekeyd } from './open-rekeyd.ts'
import type { Scenario, ScenarioPlace } from './scenario.ts'

/** What holds after an undisturbed start: nobody had to do anything for it. */
export interface Findings {
  /** What must not be. */
  readonly violations: readonly string[]
  /** Secrets by material, number, part and format: of versions that were there before, or adopted. */
  readonly known: ReadonlyMap<string, Buffer>
  /** Active versions by material. */
  readonly active: Readonly<Record<string, number>>
  /** Names of everything in the folder, random parts left out. */
  readonly names: readonly string[]
  /** Everything in the database, whichever key it has. */
  readonly content?: unknown
}

const caller = { who: 'cli:campaign' }
const calm: readonly string[] = ['idle', 'retrying', 'suspended']
/** What has leaked is due until it is replaced, and where that did not come to a good end it never goes back. */
const uneasy: readonly string[] = [...calm, 'due', 'needs_attention']

/** Starts rekeyd again in `folder`, lets it recover, and looks at everything from outside. */
export async function judge(folder: string, scenario: Scenario): Promise<Findings> {
  const violations: string[] = []
  const values = new Map<string, Buffer>()
  const known = new Map<string, Buffer>()
  const active: Record<string, number> = {}
  let content: unknown
  const rekeyd = await openRekeyd(folder)
  try {
    const names = new Set(scenario.places.map(({ material }) => material))
    const earlier = new Map([...names].map((name) => [name, rekeyd.store.keys.list(name).length]))
    await rekeyd.recover()
    for (const complaint of await storeComplaints(rekeyd)) violations.push(complaint)
    for (const name of names) {
      const versions = rekeyd.store.keys.list(name)
      const present = versions.filter(({ state }) => state === 'active')
      if (present.length !== 1) violations.push(`${name} has ${present.length} active versions`)
      active[name] = present[0]?.number ?? 0
      const places = scenario.places.filter(({ material }) => material === name)
      await reveal(rekeyd, folder, versions, places, values)
      for (const { number, origin } of versions) {
        if (number > (earlier.get(name) ?? 0) && origin !== 'adopted') continue
        for (const [key, value] of values) {
          if (key.startsWith(`${name} ${number} `)) known.set(key, value)
        }
      }
      violations.push(...placeComplaints(join(folder, 'live'), versions, places, values))
    }
    const found = databaseFindings(join(folder, 'live'), scenario, active, values)
    violations.push(...found.violations)
    content = found.content
  } finally {
    await rekeyd.close()
  }
  return { violations, known, active, names: namesIn(folder), content }
}

/** Under which {@link Findings.values} keeps a value. */
function valueKey(version: number, { material, part, format }: ScenarioPlace): string {
  return [material, version, part, format].join(' ')
}

async function storeComplaints({ operations, store }: OpenRekeyd): Promise<readonly string[]> {
  const complaints: string[] = []
  const open = store.journal.unfinished()
  if (open.length > 0) complaints.push(`${open.length} rotations are unfinished`)
  const audit = store.audit.verify()
  if (!audit.ok) complaints.push(`the audit log is broken at ${audit.brokenAt}`)
  if (store.restored) complaints.push('the store thinks that it was restored from a backup')
  const rows = store.audit.list(0, 10_000)
  const { materials } = await operations.status()
  for (const { name, state, reason, drift, versions } of materials) {
    const allowed = versions.some(({ compromised }) => compromised) ? uneasy : calm
    if (!allowed.includes(state)) complaints.push(`${name} is ${state}: ${reason}`)
    for (const { place, detail } of drift) complaints.push(`${place} ${detail}`)
    for (const { version, state: reached } of versions) {
      const actions = rows
        .filter((row) => row.material === name && row.version === version)
        .map(({ action }) => action)
      const told = leadingTo[reached].some((action) => actions.includes(`version.${action}`))
      if (!told)
        complaints.push(`no audit row says how version ${version} of ${name} got ${reached}`)
    }
  }
  return complaints
}

const leadingTo: Readonly<Record<Version['state'], readonly string[]>> = {
  prepared: ['prepare'],
  active: ['activate', 'reactivate'],
  retiring: ['retire'],
  withdrawn: ['withdraw', 'abandon'],
  destroyed: ['destroy'],
}

/** Every version that is not destroyed has to be there to be given back. */
async function reveal(
  { operations }: OpenRekeyd,
  folder: string,
  versions: readonly Version[],
  places: readonly ScenarioPlace[],
  values: Map<string, Buffer>,
): Promise<void> {
  const out = join(folder, 'out')
  mkdirSync(out, { recursive: true, mode: 0o700 })
  for (const { number } of versions.filter(({ state }) => state !== 'destroyed')) {
    for (const place of places) {
      const path = join(out, crypto.randomUUID())
      await operations.reveal(place.material, number, place.part, place.format, path, caller)
      values.set(valueKey(number, place), readFileSync(path))
    }
  }
  rmSync(out, { recursive: true })
}

function placeComplaints(
  live: string,
  versions: readonly Version[],
  places: readonly ScenarioPlace[],
  values: ReadonlyMap<string, Buffer>,
): readonly string[] {
  return places.flatMap((place) => {
    const role = place.version === 'previous' ? 'retiring' : 'active'
    const version = versions.find(({ state }) => state === role)
    const wanted = version && values.get(valueKey(version.number, place))
    const found = readIfThere(place, live)
    if (wanted === undefined ? found === undefined : found?.equals(wanted)) return []
    const held = versions.find(
      ({ number }) => found && values.get(valueKey(number, place))?.equals(found),
    )
    const what =
      found === undefined ? 'nothing' : held ? `version ${held.number}` : 'something else'
    return [`a ${role} place of ${place.material} holds ${what}, not version ${version?.number}`]
  })
}

function readIfThere({ read }: ScenarioPlace, live: string): Buffer | undefined {
  try {
    const found = read(live)
    return found === undefined ? undefined : Buffer.from(found)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function databaseFindings(
  live: string,
  { database }: Scenario,
  active: Readonly<Record<string, number>>,
  values: ReadonlyMap<string, Buffer>,
): { readonly violations: readonly string[]; readonly content?: unknown } {
  if (!database) return { violations: [] }
  const path = join(live, database.file)
  const opening = [...values].filter(
    ([name, bytes]) =>
      name.startsWith(`${database.material} `) &&
      genuineOpens(path, { key: { form: 'passphrase', bytes } }),
  )
  const [first] = opening
  if (!first || opening.length > 1)
    return { violations: [`${opening.length} keys open ${database.file}`] }
  const [name, bytes] = first
  const violations: string[] = []
  const number = Number(name.split(' ')[1])
  if (number !== active[database.material]) {
    violations.push(`${database.file} opens with version ${number}, which is not active`)
  }
  return { violations, content: contentOf(path, { key: { form: 'passphrase', bytes } }) }
}

function namesIn(folder: string): readonly string[] {
  return (
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => name.replace(/rekeyd-[\w-]+/, 'rekeyd-*').replace(/(public\/\S+\/)\S+/, '$1*'))
      // Where the folder beside cannot be made, the marker is inside.
      .filter((name) => !/-(wal|shm)$/.test(name) && name !== 'state/store.marker')
      .toSorted()
  )
}
