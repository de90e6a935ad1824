import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { formats } from '../model/material.ts'
import type { Edition } from '../model/version.ts'
import { argvOption } from '../support/argv-option.ts'
import { askCommand } from '../support/command-contract.ts'
import { no, yes } from './verdict.ts'
import type { Verdict, Verifier, VerifierType } from './verifier.ts'

/** In milliseconds. */
const usualTimeout = 10_000

const commandOptions = z.union([
  argvOption.describe('Program that reads the value from descriptor 3: exit 0 if it is in use.'),
  z.strictObject({
    run: argvOption.describe('Reads the value from descriptor 3: exit 0 if it is in use.'),
    refuses: argvOption
      .optional()
      .describe('Reads the previous value from descriptor 4: exit 0 if it no longer works.'),
    part: z.string().optional().describe('Part of the material to hand over.'),
    format: z.enum(formats).optional().describe('Format to hand it over in.'),
    timeout: durationSchema.default(usualTimeout).describe('How long it may take.'),
  }),
])
type CommandOptions = z.infer<typeof commandOptions>

/**
 * Asks a program of the operator's, by the one command contract. For readiness it is run without
 * descriptors.
 */
export const command: VerifierType<CommandOptions> = {
  schema: commandOptions,
  create: (options) =>
    createCommandVerifier(
      Array.isArray(options) ? { run: options, timeout: usualTimeout } : options,
    ),
}

function createCommandVerifier({
  run,
  refuses,
  part,
  format,
  timeout,
}: Exclude<CommandOptions, string[]>): Verifier {
  const ask = async (argv: readonly string[], secrets: readonly Buffer[], signal: AbortSignal) =>
    verdict(await askCommand({ argv, secrets, signal, timeout }), argv)
  const value = async (edition: Edition) => (await edition.bytes(part, format)).bytes
  return {
    type: 'command',
    subject: run.join(' '),
    proves: true,
    accepts: async (edition, signal) => ask(run, [await value(edition)], signal),
    ...(refuses && {
      refuses: async (previous: Edition, signal: AbortSignal) =>
        ask(refuses, [Buffer.alloc(0), await value(previous)], signal),
    }),
    ready: (signal) => ask(run, [], signal),
  }
}

function verdict(answer: 'yes' | 'no', [program]: readonly string[]): Verdict {
  return answer === 'yes' ? yes : no(`${program} says no`)
}
