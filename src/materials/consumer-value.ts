import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { decodeBase64 } from '../formats/base64.ts'
import { decodeHex } from '../formats/hex.ts'
import { joinOffHeap } from '../formats/off-heap.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import { type RowAddress, readRow } from '../sqlcipher/row.ts'
import { withUnlocked } from '../sqlcipher/with-unlocked.ts'
import { answerOf } from '../support/command-contract.ts'
import { Folder } from '../support/folder.ts'
import { httpGet } from '../support/http-get.ts'
import { textAt } from '../support/json-pointer.ts'
import { OperatorError } from '../support/operator-error.ts'
import { unprintable } from '../support/printable.ts'
import { type CommandRequest, runCommand } from '../support/run-command.ts'
import { resolveFile } from '../support/safe-path.ts'
import type { Reset, RowOptions, Source } from './consumer-made-options.ts'
import { ed25519 } from './ed25519.ts'
import type { KindContext, Made, MadeHere, Observation } from './kind.ts'
import { opaqueSetup } from './opaque-setup.ts'

/** A public value is a key or a fingerprint. Characters. */
const longestValue = 1024
/** The SHA-256 of less could be tried out, and it is shown to everybody. Bytes. */
const shortestSecret = 16
const largestFile = 1024 * 1024
/** In milliseconds. */
const patience = 60_000

/**
 * The value in use: the public one that is shown, or a SHA-256 of what is kept.
 * @returns undefined when there is none
 * @throws OperatorError when it could not tell
 */
export async function observeSource(
  source: Source,
  context: KindContext,
  signal: AbortSignal,
): Promise<Observation | undefined> {
  if ('http' in source) return shown(await ask(source.http, source.pointer, signal), source.http)
  if ('command' in source) return printed({ argv: source.command, signal, timeout: patience })
  const kept = await read(source, context, signal)
  if (!kept) return undefined
  const { fingerprint, attributes } = await describeKept(kept)
  kept.wipe()
  return { value: fingerprint, attributes }
}

/** What is about to be destroyed, with the public key where the layout is one that is known. */
export async function archiveOf(
  reset: Reset,
  context: KindContext,
  signal: AbortSignal,
): Promise<Made | undefined> {
  const value = await read(reset, context, signal)
  if (!value) return undefined
  const { fingerprint, attributes, publicKey } = await describeKept(value)
  return { parts: { value, ...(publicKey && { public_key: publicKey }) }, fingerprint, attributes }
}

/** Without what unlocks its database. */
export function addressOf({ path, table, where, column }: RowOptions): RowAddress {
  return { path, table, where, ...(column !== undefined && { column }) }
}

async function ask(url: string, pointer: string, signal: AbortSignal): Promise<string> {
  const { status, body } = await httpGet({ url }, signal)
  if (status === 200) return textAt(body, pointer, url)
  throw new OperatorError(`${url} answers ${status}`, { hint: 'check observe.http' })
}

async function printed(request: CommandRequest): Promise<Observation | undefined> {
  const result = await runCommand(request)
  if (answerOf(request, result) === 'no') return undefined
  const place = String(request.argv[0])
  if (result.truncated || !isUtf8(result.stdout)) throw showsNothing(place)
  return shown(result.stdout.toString('utf8').trim(), place)
}

/** Everybody sees it: on terminals, in logs and labels. */
function shown(value: string, place: string): Observation {
  const isPrintable = value !== '' && value.length <= longestValue && !unprintable.test(value)
  if (isPrintable) return { value, attributes: {} }
  throw showsNothing(place)
}

function showsNothing(place: string): OperatorError {
  return new OperatorError(
    `${place} shows no public value: 1 to ${longestValue} characters in one line`,
  )
}

async function read(
  source: Reset,
  context: KindContext,
  signal: AbortSignal,
): Promise<SecretBytes | undefined> {
  if ('file' in source) {
    const path = await resolveFile(source.file)
    await using folder = await Folder.open(dirname(path))
    const found = await folder.read(basename(path), largestFile)
    return found && SecretBytes.take(found.content)
  }
  const options = source.sqlite_row
  const editionOf = (material: string) => context.editionOf(material)
  const row = await withUnlocked(options, editionOf, (unlock) =>
    readRow(addressOf(options), unlock, signal),
  )
  return row && row.type !== 'null' ? SecretBytes.take(row.bytes) : undefined
}

/** The kinds whose canonical encoding may be told by its length. */
const layouts: readonly {
  readonly length: number
  readonly part: string
  readonly make: () => MadeHere
}[] = [
  { length: 32, part: 'private_key', make: () => ed25519.create({}, nowhere) as MadeHere },
  { length: 128, part: 'setup', make: () => opaqueSetup.create({}, nowhere) as MadeHere },
]
const nowhere: KindContext = { material: 'archive', editionOf: async () => undefined }

/** Never fails for a layout that it does not know: what is there was made by somebody else. */
async function describeKept(value: SecretBytes): Promise<{
  readonly fingerprint: string
  readonly attributes: Readonly<Record<string, string>>
  readonly publicKey?: SecretBytes
}> {
  if (value.length < shortestSecret) {
    throw new OperatorError(`the observed value has ${value.length} bytes: that is no key`, {
      hint: 'check the column, or observe a public value instead',
    })
  }
  const fingerprint = `sha256:${createHash('sha256').update(value.bytes).digest('hex')}`
  for (const { length, part, make } of layouts) {
    const bytes = decoded(value.bytes, length)
    if (!bytes) continue
    const found = { part, format: 'raw', bytes: SecretBytes.take(bytes), place: 'archive' } as const
    const made = await make()
      .adopt?.([found], nowhere.material)
      .catch(() => undefined)
    if (!made) continue
    const publicKey = made.parts['public_key']
    return { fingerprint, attributes: made.attributes, ...(publicKey && { publicKey }) }
  }
  const warning = `${value.length} bytes in a layout that rekeyd does not know`
  return { fingerprint, attributes: { warning } }
}

/** The value itself, or what it says in hex or base64, if that has the length. A fresh buffer. */
function decoded(value: Buffer, length: number): Buffer | undefined {
  if (value.length === length) return joinOffHeap(value)
  return [decodeHex(value), decodeBase64(value)].find((bytes) => bytes?.length === length)
}
