import { z } from 'zod'
import type { KindType, MadeHere } from './kind.ts'
import { missingPart, readParts, renderPart } from './part-codec.ts'
import { randomText, textAlphabets } from './random-secret.ts'
import { textCodec } from './text-secret.ts'

const schema = z.strictObject({
  bytes: z
    .int()
    .min(16, 'a token needs at least 16 bytes (128 bit), or it can be guessed')
    .max(1024)
    .default(32)
    .describe('Strength in random bytes, at least 16; the text is longer by its alphabet.'),
  alphabet: z
    .enum(textAlphabets)
    .default('base64url')
    .describe('Characters of the text: base64url is safe in TOML, env files, systemd and compose.'),
})
type TokenOptions = z.infer<typeof schema>

/** Canonical: the text, as clients send it. */
const codecs = { token: textCodec(['raw', 'base64', 'hex']) }

/** A random secret that is a line of text: bearer tokens, cluster secrets, passwords between services. */
export const token: KindType<TokenOptions> = {
  schema,
  elsewhere:
    'give the new token to every client on another host: `rekeyd reveal` writes it to a file',
  create: createToken,
}

function createToken({ bytes, alphabet }: TokenOptions): MadeHere {
  return {
    madeBy: 'rekeyd',
    parts: codecs,
    async generate() {
      const attributes = { alphabet, bits: String(bytes * 8) }
      return { parts: { token: randomText(bytes, alphabet) }, attributes }
    },
    render: async (parts, part, format) => renderPart(codecs, parts, part, format),
    /** Takes whatever text is in use: how strong it is cannot be seen. */
    async adopt(found) {
      const read = readParts(codecs, found).get('token')
      if (!read) throw missingPart(found, 'token')
      return { parts: { token: read.secret }, attributes: { bits: 'unknown' } }
    },
  }
}
