import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { type ByteEncoding, decodeBytes } from '../formats/byte-encoding.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import { answerOf } from '../support/command-contract.ts'
import { parseDuration } from '../support/duration.ts'
import { OperatorError } from '../support/operator-error.ts'
import { unprintable } from '../support/printable.ts'
import { type CommandRequest, runCommand } from '../support/run-command.ts'
import type { GenerateRequest, KindType, Made, MadeHere } from './kind.ts'
import { bytesCodec, missingPart, type PartCodecs, readParts, renderPart } from './part-codec.ts'

const name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'lower case, digits and _')

const schema = z.strictObject({
  command: z
    .strictObject({
      generate: z
        .array(z.string())
        .min(1)
        .describe('Program by absolute path and its arguments; prints the next version as JSON.'),
      timeout: z
        .string()
        .refine((text) => parseDuration(text) !== undefined, 'a duration such as 30s or 2m')
        .default('60s')
        .describe('How long the program may take.'),
    })
    .describe('The program that makes versions. It runs without a shell and without environment.'),
  parts: z
    .record(
      name,
      z.strictObject({
        public: z.boolean().default(false).describe('Whether anybody may see this part.'),
      }),
    )
    .refine((parts) => Object.keys(parts).length > 0, 'name at least one part')
    .describe('The parts that the program prints; the first is what targets get by default.'),
})
type CommandOptions = z.infer<typeof schema>

/** Whatever a program prints, for key material that rekeyd does not know. */
export const command: KindType<CommandOptions> = {
  schema,
  elsewhere: 'whatever the program had told others of the old value must be withdrawn there',
  create: createCommand,
}

function createCommand(options: CommandOptions): MadeHere {
  const argv = options.command.generate
  const [program = ''] = argv
  const timeout = parseDuration(options.command.timeout) ?? 0
  const codecs = codecsFor(options)
  const output = outputSchema(Object.keys(codecs))
  return {
    madeBy: 'rekeyd',
    scarce: 'its program may make something elsewhere, too',
    parts: codecs,
    async generate(request, signal) {
      const printed = read(output, await run({ argv, signal, timeout }, program), program)
      const shown = shownPart(printed, codecs)
      if (shown) throw refused(program, `printed the secret part ${shown} among the attributes`)
      const made = versionFrom(printed, program)
      await check(made, request, program)
      return made
    },
    render: async (parts, part, format) => renderPart(codecs, parts, part, format),
    /** Takes the bytes in use as they are: only the program could say more about them. */
    async adopt(found) {
      const inUse = readParts(codecs, found)
      const parts = Object.keys(codecs).map((part) => {
        const secret = inUse.get(part)?.secret
        if (!secret) throw missingPart(found, part)
        return [part, secret] as const
      })
      return { parts: Object.fromEntries(parts), attributes: {} }
    },
  }
}

/** Canonical: the decoded bytes. */
function codecsFor({ parts }: CommandOptions): PartCodecs {
  const codec = bytesCodec(['raw', 'hex', 'base64', 'base64url'], ({ length }) => length > 0)
  return Object.fromEntries(
    Object.entries(parts).map(([part, options]) => [part, { ...codec, ...options }]),
  )
}

/** What the program prints. Exactly the parts that the config names. */
function outputSchema(parts: readonly string[]) {
  const part = z.strictObject({
    // Half a character would be stored as another one.
    value: z
      .string()
      .min(1)
      .refine((text) => text.isWellFormed()),
    encoding: z.enum(['utf8', 'base64', 'hex']).default('utf8'),
  })
  return z.strictObject({
    parts: z.strictObject(Object.fromEntries(parts.map((name) => [name, part]))),
    not_before: z.iso.datetime({ offset: true }).optional(),
    not_after: z.iso.datetime({ offset: true }).optional(),
    attributes: z
      .record(
        name,
        z
          .string()
          .max(256)
          .refine((text) => !unprintable.test(text)),
      )
      .default({}),
  })
}
type Output = z.infer<ReturnType<typeof outputSchema>>

/** JSON is text, so these values pass through strings that cannot be wiped; they are short-lived. */
async function run(request: CommandRequest, program: string): Promise<unknown> {
  const result = await runCommand(request)
  try {
    if (answerOf(request, result) === 'no') throw refused(program, 'said no (exit 1)')
    if (result.truncated)
      throw refused(program, 'printed more than 64 KiB, or left its output open')
    if (!isUtf8(result.stdout)) throw refused(program, 'printed no UTF-8')
    return JSON.parse(result.stdout.toString('utf8'))
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw refused(program, 'printed no JSON')
  } finally {
    result.stdout.fill(0)
    result.stderr.fill(0)
  }
}

/** Names only fields of the schema in errors: unknown keys and messages may hold what was printed. */
function read(schema: z.ZodType<Output>, printed: unknown, program: string): Output {
  const parsed = schema.safeParse(printed)
  if (parsed.success) return parsed.data
  const path = parsed.error.issues[0]?.path ?? []
  const field = path[0] === 'attributes' ? 'attributes' : path.join('.')
  throw refused(program, `printed JSON that is not as declared${field && `, at ${field}`}`)
}

/** A secret part whose text the attributes contain: those are shown to everybody. */
function shownPart({ parts, attributes }: Output, codecs: PartCodecs): string | undefined {
  const shown = Object.values(attributes).join('\n')
  const secret = Object.entries(parts).filter(([part]) => !codecs[part]?.public)
  return secret.find(([, { value, encoding }]) => {
    const meant = encoding === 'utf8' ? value : Buffer.from(value, encoding).toString('latin1')
    return shown.includes(value) || (meant !== '' && shown.includes(meant))
  })?.[0]
}

function versionFrom(output: Output, program: string): Made {
  const parts = Object.entries(output.parts).map(([part, { value, encoding }]) => {
    const text = Buffer.from(value, 'utf8')
    const bytes = decodeBytes(text, encoding === 'utf8' ? 'raw' : (encoding satisfies ByteEncoding))
    text.fill(0)
    if (!bytes?.length) throw refused(program, `printed a part ${part} that is no ${encoding}`)
    return [part, SecretBytes.take(bytes)] as const
  })
  const { not_before: from, not_after: to, attributes } = output
  return {
    parts: Object.fromEntries(parts),
    attributes,
    ...(from === undefined ? {} : { notBefore: Date.parse(from) }),
    ...(to === undefined ? {} : { notAfter: Date.parse(to) }),
  }
}

/** @throws OperatorError when the version is of no use: not valid now, or not new */
async function check(
  made: Made,
  { now, previous }: GenerateRequest,
  program: string,
): Promise<void> {
  const { notBefore = now, notAfter = now + 1 } = made
  if (notBefore > now || notAfter <= now) {
    throw refused(program, 'printed a version that is not valid now')
  }
  if (previous && (await isSame(made, previous))) {
    throw refused(program, 'printed the version that is active already')
  }
}

async function isSame(made: Made, previous: Edition): Promise<boolean> {
  for (const [part, secret] of Object.entries(made.parts)) {
    // A version from before the config named this part is another one.
    const before = await previous.bytes(part, 'raw').catch(() => undefined)
    const same = before?.equals(secret) ?? false
    before?.wipe()
    if (!same) return false
  }
  return true
}

function refused(program: string, problem: string): OperatorError {
  return new OperatorError(`${program} ${problem}`, {
    hint: 'what it must print: {"parts": {"NAME": {"value": "…", "encoding": "utf8|base64|hex"}}}',
  })
}
