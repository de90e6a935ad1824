import { z } from 'zod'
import type { KindType, MadeHere } from '../materials/kind.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import { randomSecret } from './seal.ts'
import { storeKeyBytes, storeKeyId } from './store-key.ts'

const schema = z.strictObject({})

/**
 * The key that opens rekeyd's own store, as a material: 32 random bytes. Its one place is the target
 * `store_key`. When it is compromised, the keys that it wraps are made anew as well (renewal.ts).
 */
export const storeKeyKind: KindType<z.output<typeof schema>> = {
  schema: schema.describe("The key that opens rekeyd's own store."),
  neverCreate: true,
  target: 'store_key',
  holdsAll: true,
  elsewhere: 'copies of the store made before now still open with the old key, wherever they are',
  create: () => storeKey,
}

const storeKey: MadeHere = {
  madeBy: 'rekeyd',
  parts: { key: { formats: ['raw'] } },
  async generate() {
    return made(randomSecret(storeKeyBytes))
  },
  async render({ key }, part, format) {
    if (key && part === 'key' && format === 'raw') return key.copy()
    throw new RangeError(`there is no part ${part} in the format ${format}`)
  },
  async adopt([found]) {
    if (found?.bytes.length === storeKeyBytes) return made(found.bytes.copy())
    throw new OperatorError(`${found?.place ?? 'nothing'} holds no store key`, { kind: 'refused' })
  },
}

/** The id is the one that `store.keys` and errors name. */
function made(key: SecretBytes) {
  return { parts: { key }, attributes: { key_id: storeKeyId(key) } }
}
