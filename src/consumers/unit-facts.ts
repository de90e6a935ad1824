import { type Account, accountOf } from '../support/accounts.ts'
import { showProperties, type Unit } from '../support/systemctl.ts'

/** How a unit gets at files and variables, as its manager says (systemd.exec(5)). Holds no value of a variable. */
export interface UnitFacts {
  /** Paths of `EnvironmentFile=`, in the order in which they are read: later ones win. */
  readonly environmentFiles: readonly string[]
  /** Names set by `Environment=`, which every `EnvironmentFile=` wins over. */
  readonly environment: ReadonlySet<string>
  /** Paths of `LoadCredential=` and its like: copied at each start. */
  readonly credentials: readonly string[]
  readonly canReload: boolean
  /** A unit file was changed and not read again. */
  readonly isStale: boolean
  /** As `ProtectHome=` has it: what the unit sees of home directories. */
  readonly protectHome: string
  /** Files that make up the unit, the last of which wins. */
  readonly unitFiles: readonly string[]
}

const asked = [
  'EnvironmentFiles',
  'Environment',
  'LoadCredential',
  'LoadCredentialEncrypted',
  'CanReload',
  'NeedDaemonReload',
  'ProtectHome',
  'FragmentPath',
  'DropInPaths',
]

/** @throws OperatorError when the manager cannot be asked */
export async function unitFacts(unit: Unit, signal: AbortSignal): Promise<UnitFacts> {
  const values = await showProperties(unit, asked, signal)
  const list = (name: string) => (values.get(name) ?? []).filter((value) => value !== '')
  const one = (name: string) => list(name)[0] ?? ''
  return {
    environmentFiles: list('EnvironmentFiles').map((line) =>
      line.replace(/ \(ignore_errors=\w+\)$/, ''),
    ),
    environment: new Set(namesIn(one('Environment'))),
    credentials: credentialsIn(values),
    canReload: one('CanReload') !== 'no',
    isStale: one('NeedDaemonReload') === 'yes',
    protectHome: one('ProtectHome'),
    unitFiles: [one('FragmentPath'), ...one('DropInPaths').split(' ')].filter(
      (path) => path !== '',
    ),
  }
}

const manager: Account = { uid: 0, gids: [0] }
const accountNames = ['User', 'Group', 'SupplementaryGroups', 'DynamicUser']
const rootNames = ['RootDirectory', 'RootImage', 'LoadCredential', 'LoadCredentialEncrypted']

/**
 * Undefined where users are not those of this host, or made up at each start.
 * @param path what the unit opens; undefined for what the manager reads for it
 */
export async function unitAccount(
  unit: Unit,
  path: string | undefined,
  signal: AbortSignal,
): Promise<Account | undefined> {
  const values = await showProperties(unit, [...accountNames, ...rootNames], signal)
  const one = (name: string) => values.get(name)?.[0] ?? ''
  if (unit.scope === 'user') return undefined
  if (path === undefined || credentialsIn(values).includes(path)) return manager
  if (one('DynamicUser') === 'yes' || one('RootDirectory') + one('RootImage') !== '')
    return undefined
  const groups = one('SupplementaryGroups').split(' ')
  return accountOf(
    one('User') || 'root',
    one('Group') || undefined,
    groups.filter((name) => name !== ''),
  )
}

/** The paths in `id:path`. */
function credentialsIn(values: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const names = ['LoadCredential', 'LoadCredentialEncrypted']
  const lines = names.flatMap((name) => values.get(name) ?? []).filter((line) => line !== '')
  return lines.map((line) => line.slice(line.indexOf(':') + 1))
}

/** The names in `A=1 "B=two words"`, as `systemctl show` quotes assignments. */
function namesIn(assignments: string): readonly string[] {
  const words = assignments.match(/"(?:[^"\\]|\\.)*"|\$'(?:[^'\\]|\\.)*'|\S+/g) ?? []
  return words.flatMap((word) => /^(?:"|\$')?([A-Za-z_]\w*)=/.exec(word)?.[1] ?? [])
}
