import { constants } from 'node:os'
import { z } from 'zod'

/** The option of a signal, by its name on this system: `SIGHUP`, `SIGUSR1`, … */
export const signalOption = z
  .string()
  .refine((name) => Object.hasOwn(constants.signals, name), 'must be a signal such as SIGHUP')
