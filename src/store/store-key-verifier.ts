import { z } from 'zod'
import type { Edition } from '../model/version.ts'
import type { Verdict, Verifier, VerifierType } from '../verifiers/verifier.ts'
import { openKeyFile, wipeKeys, wrapIds } from './key-file.ts'
import { readStoreKey, wrapperOf } from './store-key.ts'

const yes: Verdict = { yes: true }

const schema = z.strictObject({})

/**
 * Reads the store key from its source and opens the store's keys with it. A credential shows a new key only
 * when rekeyd has started with it: until then the key itself is tried, and nothing is proved.
 */
export const storeKeyVerifier: VerifierType<z.output<typeof schema>> = {
  schema: schema.describe(
    "Whether the source of the store's key holds a version, and opens the store.",
  ),
  create: (_, { storeKey, stateDir }) =>
    'file' in storeKey ? fromFile(storeKey, stateDir) : fromCredential(storeKey, stateDir),
}

function fromFile(source: { readonly file: string }, stateDir: string): Verifier {
  return {
    type: 'store_key',
    subject: source.file,
    proves: true,
    async accepts({ version }, signal) {
      signal.throwIfAborted()
      const wrapper = readStoreKey(source)
      if (wrapper.keyId !== version.attributes['key_id']) {
        return { yes: false, reason: `${source.file} holds the store key ${wrapper.keyId}` }
      }
      wipeKeys(await openKeyFile(stateDir, wrapper))
      return yes
    },
    refuses: async (previous) => isForgotten(stateDir, previous),
    async ready(signal) {
      signal.throwIfAborted()
      wipeKeys(await openKeyFile(stateDir, readStoreKey(source)))
      return yes
    },
  }
}

function fromCredential(source: { readonly credential: string }, stateDir: string): Verifier {
  return {
    type: 'store_key',
    subject: source.credential,
    proves: false,
    async accepts(edition, signal) {
      signal.throwIfAborted()
      const key = await edition.bytes('key', 'raw')
      try {
        wipeKeys(await openKeyFile(stateDir, wrapperOf(key)))
        return yes
      } finally {
        key.wipe()
      }
    },
    ready: async () => yes,
  }
}

function isForgotten(stateDir: string, { version }: Edition): Verdict {
  const id = version.attributes['key_id'] ?? ''
  const isKnown = wrapIds(stateDir).includes(id)
  return isKnown ? { yes: false, reason: `the store still opens with ${id}` } : yes
}
