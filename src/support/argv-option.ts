import { accessSync, constants } from 'node:fs'
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { OperatorError } from './operator-error.ts'

/** The option of a program and its arguments: run without a shell, so the program is named by its absolute path. */
export const argvOption = z
  .array(z.string().refine((text) => !text.includes('\0'), 'must not contain NUL'))
  .min(1, 'names no program')
  .refine(([program = '']) => isAbsolute(program), 'the program must be an absolute path')

/** @throws OperatorError naming the program when it is absent or may not be run */
export function checkProgram(argv: readonly string[]): void {
  const [program = ''] = argv
  try {
    accessSync(program, constants.X_OK)
  } catch {
    throw new OperatorError(`${program} cannot be run`, {
      hint: 'check the path, and that the user rekeyd runs as may execute it',
    })
  }
}
