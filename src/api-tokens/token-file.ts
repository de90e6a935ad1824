import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Document } from 'yaml'
import { z } from 'zod'
import { namePattern } from '../model/material.ts'
import { fileError } from '../support/file-error.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { refuseUntrusted } from '../support/trusted-file.ts'
import { type ApiToken, tokenSchema } from './api-token.ts'

/** Bytes; more than a thousand tokens. */
const largest = 256 * 1024

const fileSchema = z.strictObject({
  tokens: z.record(z.string().regex(namePattern), tokenSchema),
})

/**
 * The tokens in a file; none where there is no file.
 * @throws OperatorError `config` when others could have written it, or it is not what it must be
 */
export async function readTokens(path: string): Promise<readonly ApiToken[]> {
  const bytes = readTokenBytes(path)
  return bytes ? parseTokens(path, bytes) : []
}

/**
 * What the file of tokens holds; undefined where there is none. Synchronous, so that any number of
 * requests at once hold no more than one descriptor.
 * @throws OperatorError when it cannot be read, or others could have written it
 */
export function readTokenBytes(path: string): Buffer | undefined {
  let file: number | undefined
  try {
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = fstatSync(file)
    if (!stats.isFile()) throw unfit(path, 'is not a regular file')
    refuseUntrusted(path, stats)
    if (stats.size > largest) throw unfit(path, `is larger than ${largest / 1024} KiB`)
    const buffer = Buffer.alloc(stats.size)
    return buffer.subarray(0, readSync(file, buffer, 0, stats.size, 0))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw fileError(error, 'read', path)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** @throws OperatorError `config` that names the place, and quotes nothing */
export async function parseTokens(path: string, bytes: Uint8Array): Promise<readonly ApiToken[]> {
  const { data, error } = fileSchema.safeParse(valueOf(path, await parseDocument(path, bytes)))
  if (data) return Object.entries(data.tokens).map(([name, token]) => ({ name, ...token }))
  const [issue] = error.issues
  const place = issue?.path.map(String).join('.') ?? ''
  const why = issue?.code === 'unrecognized_keys' ? 'has a key too many' : (issue?.message ?? '')
  throw unfit(path, place === '' ? why : `${place} ${why}`)
}

/** @throws OperatorError `config` when it is no YAML */
export async function parseDocument(path: string, bytes: Uint8Array): Promise<Document> {
  const { parseDocument } = await import('yaml')
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const options = { version: '1.2', stringKeys: true, resolveKnownTags: false } as const
    const document: Document = parseDocument(text, { ...options, prettyErrors: false })
    if (document.errors.length + document.warnings.length === 0) return document
  } catch {
    // Not UTF-8, or nested so deeply that the stack is too small for it.
  }
  // The parser's own words quote the text.
  throw unfit(path, 'is not valid YAML')
}

function valueOf(path: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    throw unfit(path, 'has an alias; write out what it stands for')
  }
}

function unfit(path: string, why: string): OperatorError {
  return new OperatorError(`${path}: ${why}`, {
    kind: 'config',
    hint: 'correct it, or remove it and make new tokens with `rekeyd api-token add`',
  })
}
