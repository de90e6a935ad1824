import { z } from 'zod'
import { type Clock, systemClock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import { showUnit, type Unit, unitOption } from '../support/systemctl.ts'
import { no, yes } from './verdict.ts'
import type { Verdict, Verifier, VerifierType } from './verifier.ts'

/** Between two looks, in milliseconds: a unit that dies and is restarted looks well most of the time. */
const pause = 500

const systemdOptions = z.strictObject({
  unit: unitOption.describe('Name of the service unit.'),
  scope: z
    .enum(['system', 'user'])
    .optional()
    .describe('Whose manager runs it: the system (default) or the user rekeyd runs as.'),
  systemctl: z
    .string()
    .startsWith('/')
    .optional()
    .describe('Path of systemctl, where it is in no usual place.'),
})
type SystemdOptions = z.infer<typeof systemdOptions>

/** Whether a unit is active and stays so: readiness only, it proves no version. */
export const systemd: VerifierType<SystemdOptions> = {
  schema: systemdOptions,
  create: (options) => createSystemdVerifier(options, systemClock),
}

export function createSystemdVerifier(unit: Unit, clock: Clock): Verifier {
  const ask = (signal: AbortSignal) => isSteady(unit, clock, signal)
  return {
    type: 'systemd',
    subject: unit.unit,
    proves: false,
    accepts: (_, signal) => ask(signal),
    ready: ask,
  }
}

/** Looks twice: it must run, and it must be the same run (`InvocationID`). */
async function isSteady(unit: Unit, clock: Clock, signal: AbortSignal): Promise<Verdict> {
  const first = await showUnit(unit, signal)
  if (first.active !== 'active' || first.result !== 'success') {
    return no(`is ${first.active} (${first.sub}), result ${first.result}`)
  }
  await clock.sleep(pause, signal)
  const second = await showUnit(unit, signal)
  if (second.active !== 'active') return no(`is ${second.active} (${second.sub})`)
  if (second.invocation === '') {
    throw new OperatorError(`systemctl does not say which run of ${unit.unit} this is`)
  }
  return second.invocation === first.invocation ? yes : no('was started again meanwhile')
}
