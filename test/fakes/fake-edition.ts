import { createHash } from 'node:crypto'
import type { Edition, Version } from '../../src/model/version.ts'
import { testEdition } from '../support/test-edition.ts'

/** A version that holds `bytes`, with their SHA-256 as its fingerprint. */
export function fakeEdition(bytes: Uint8Array | string, version: Partial<Version> = {}): Edition {
  const edition = testEdition(1, bytes)
  const fingerprint = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return { ...edition, version: { ...edition.version, fingerprint, ...version } }
}
