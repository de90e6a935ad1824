import { z } from 'zod'
import { decodeHex } from '../formats/hex.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { KindType, MadeHere } from './kind.ts'
import {
  bytesCodec,
  cannotAdopt,
  missingPart,
  type PartCodec,
  readParts,
  renderPart,
} from './part-codec.ts'
import { randomSecret, randomText } from './random-secret.ts'
import { textCodec } from './text-secret.ts'

const schema = z.strictObject({
  form: z
    .enum(['passphrase', 'raw', 'raw+salt'])
    .default('passphrase')
    .describe(
      'What the consumer hands to PRAGMA key: a passphrase, or 32 raw bytes, or those and a 16-byte salt.',
    ),
})
type DatabaseKeyOptions = z.infer<typeof schema>

/** Canonical: the text of a passphrase, the 32 bytes of a raw key, key and salt one after the other. */
const forms: Readonly<
  Record<DatabaseKeyOptions['form'], { readonly key: PartCodec; readonly make: () => SecretBytes }>
> = {
  // base64url has no quote and no colon: engines take `x'…'` and `raw:…` for something else.
  passphrase: { key: textCodec(['raw']), make: () => randomText(32, 'base64url') },
  raw: {
    key: bytesCodec(['hex', 'raw'], ({ length }) => length === 32),
    make: () => randomSecret(32),
  },
  'raw+salt': {
    key: bytesCodec(['hex'], ({ length }) => length === 48),
    make: () => randomSecret(48),
  },
}

/** The key of a SQLCipher database (https://www.zetetic.net/sqlcipher/sqlcipher-api/#key). */
export const databaseKey: KindType<DatabaseKeyOptions> = {
  schema,
  neverCreate: true,
  elsewhere:
    'copies and backups of the database made before now still open with the old key: keep them as if they were in clear',
  create: createDatabaseKey,
}

function createDatabaseKey({ form }: DatabaseKeyOptions): MadeHere {
  const { key, make } = forms[form]
  const codecs = { key }
  const attributes = { form }
  return {
    madeBy: 'rekeyd',
    parts: codecs,
    generate: async () => ({ parts: { key: make() }, attributes }),
    render: async (parts, part, format) => renderPart(codecs, parts, part, format),
    async adopt(found) {
      const read = readParts(codecs, found).get('key')
      if (!read) throw missingPart(found, 'key')
      if (form === 'passphrase' && isRawNotation(read.secret)) {
        throw cannotAdopt(
          read.found,
          'is written as a raw key and not as a passphrase',
          'set form: raw (or raw+salt) for this material, and let the consumer read the hex digits',
        )
      }
      return { parts: { key: read.secret }, attributes }
    },
  }
}

/** `x'<hex>'` is a raw key to SQLCipher, and `raw:<hex>` to SQLite3 Multiple Ciphers only. */
function isRawNotation({ bytes }: SecretBytes): boolean {
  const start = bytes.toString('latin1', 0, 4).toLowerCase()
  const key = start.startsWith("x'") ? bytes.subarray(2, -1) : start === 'raw:' && bytes.subarray(4)
  const decoded = key ? decodeHex(key) : undefined
  decoded?.fill(0)
  return decoded?.length === 32 || decoded?.length === 48
}
