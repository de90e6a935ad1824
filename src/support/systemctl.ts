import { accessSync, constants } from 'node:fs'
import { z } from 'zod'
import { accountName } from './account-name.ts'
import { OperatorError } from './operator-error.ts'
import { type CommandResult, runCommand } from './run-command.ts'

/** Where distributions put systemctl. */
const places = ['/usr/bin/systemctl', '/bin/systemctl', '/run/current-system/sw/bin/systemctl']
/** systemctl waits for the job, whose own limits (`TimeoutStopSec`) are shorter: this only ends what hangs. */
const longest = 15 * 60_000
/** For questions, which nobody else ends. */
const patience = 30_000
/** Exit status of systemctl when the manager refused (LSB "insufficient privilege"). */
const noPermission = 4
const denial = /access denied|authentication (is )?required|not permitted|permission denied/i

/** The option of a service unit; `.service` may be left out. */
export const unitOption = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9:_.\\@-]*$/, 'must be the name of a unit')
  .transform((name) => (name.endsWith('.service') ? name : `${name}.service`))

/** A unit, and how to reach the manager that runs it. */
export interface Unit {
  readonly unit: string
  /** The system's manager, or that of the user rekeyd runs as. */
  readonly scope?: 'system' | 'user' | undefined
  /** systemctl by absolute path; looked for where distributions put it by default. */
  readonly systemctl?: string | undefined
}

/** What the manager says about a unit (systemd.unit(5), org.freedesktop.systemd1(5)). */
export interface UnitState {
  /** `loaded`, `not-found`, `masked`, `bad-setting`, `error`. */
  readonly load: string
  /** `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`. */
  readonly active: string
  readonly sub: string
  /** How it last ended: `success`, `exit-code`, `timeout`, … */
  readonly result: string
  /** Changes with every start. */
  readonly invocation: string
}

/** As systemctl prints them, one a line, in whatever order. */
const properties = {
  LoadState: /^[a-z-]{1,64}$/,
  ActiveState: /^[a-z-]{1,64}$/,
  SubState: /^[a-z-]{1,64}$/,
  Result: /^[a-z-]{1,64}$/,
  InvocationID: /^[0-9a-f]{0,32}$/,
} as const

/** @throws OperatorError when the manager cannot be asked, or its answer cannot be understood */
export async function showUnit(unit: Unit, signal: AbortSignal): Promise<UnitState> {
  const values = await showProperties(unit, Object.keys(properties), signal)
  const value = (name: keyof typeof properties) => {
    const [said, ...more] = values.get(name) ?? []
    if (said !== undefined && more.length === 0 && properties[name].test(said)) return said
    throw new OperatorError(`systemctl show ${unit.unit} does not say what its ${name} is`, {
      hint: `see systemctl show --property=${name} ${unit.unit}`,
    })
  }
  return {
    load: value('LoadState'),
    active: value('ActiveState'),
    sub: value('SubState'),
    result: value('Result'),
    invocation: value('InvocationID'),
  }
}

/**
 * Properties as `systemctl show` prints them: a list has a value for each entry. One that the manager does not know
 * has none.
 * @throws OperatorError when the manager cannot be asked
 */
export async function showProperties(
  unit: Unit,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const question = ['show', `--property=${names.join(',')}`]
  const result = await systemctl(unit, question, signal, patience)
  if (!isDone(result)) throw failed(unit, 'show', result)
  const values = new Map<string, string[]>()
  for (const line of result.stdout.toString().split('\n')) {
    const equals = line.indexOf('=')
    if (equals <= 0) continue
    const name = line.slice(0, equals)
    values.set(name, [...(values.get(name) ?? []), line.slice(equals + 1)])
  }
  return values
}

/**
 * Has the manager do something (`start`, `stop`, `restart`, …) and waits for the job. Its success is no
 * proof: a unit that dies right after its start was started all the same.
 * @throws OperatorError when refused or failed
 */
export async function commandUnit(
  unit: Unit,
  verb: string,
  signal: AbortSignal,
  options: readonly string[] = [],
): Promise<void> {
  const result = await systemctl(unit, [verb, ...options], signal, longest)
  if (!isDone(result)) throw failed(unit, verb, result)
}

/** One that ran out of time may still end well, when it is told to. */
function isDone({ exit, timedOut }: CommandResult): boolean {
  return exit === 0 && !timedOut
}

function systemctl(unit: Unit, args: readonly string[], signal: AbortSignal, timeout: number) {
  const program = unit.systemctl ?? places.find(isProgram)
  if (program === undefined) {
    throw new OperatorError('there is no systemctl on this host', {
      kind: 'config',
      hint: 'name it by `systemctl: /path/to/systemctl`, or use another consumer',
    })
  }
  const user = unit.scope === 'user'
  const common = ['--no-ask-password', '--no-pager', ...(user ? ['--user'] : [])]
  return runCommand({
    argv: [program, ...common, ...args, '--', unit.unit],
    environment: {
      LC_ALL: 'C',
      SYSTEMD_COLORS: '0',
      ...(user ? { XDG_RUNTIME_DIR: `/run/user/${process.getuid?.()}` } : {}),
    },
    signal,
    timeout,
  })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function failed({ unit, scope }: Unit, verb: string, result: CommandResult): OperatorError {
  const what = `systemctl ${verb} ${unit}`
  if (result.exit === noPermission || denial.test(result.stderr.toString())) {
    return new OperatorError(`${what}: not permitted`, {
      kind: 'refused',
      hint: `allow ${accountName()} the verb ${verb} on ${unit} by a polkit rule for org.freedesktop.systemd1.manage-units`,
    })
  }
  const how = result.timedOut ? 'did not end' : `failed (exit ${result.exit ?? result.signal})`
  const flag = scope === 'user' ? ' --user' : ''
  return new OperatorError(`${what} ${how}`, {
    hint: `see systemctl${flag} status ${unit} and journalctl${flag} -u ${unit}`,
  })
}
