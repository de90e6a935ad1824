import { z } from 'zod'
import type { Version } from '../model/version.ts'
import { httpGet, isTrustworthy, trustOptions, urlOption } from '../support/http-get.ts'
import { jsonPointerOption, textAt } from '../support/json-pointer.ts'
import { OperatorError } from '../support/operator-error.ts'
import { isUp, no, yes } from './verdict.ts'
import type { VerifierType } from './verifier.ts'

const vapidOptions = z
  .strictObject({
    url: urlOption.describe('JSON document that shows clients the public key.'),
    pointer: jsonPointerOption.describe('Where in the document the public key stands.'),
    ...trustOptions,
  })
  .refine(isTrustworthy, 'only an address of this host may be asked insecurely')
type VapidOptions = z.infer<typeof vapidOptions>

/** Compares the public key that browsers are given (`applicationServerKey`, RFC 8292 §4). */
export const vapid: VerifierType<VapidOptions> = {
  schema: vapidOptions,
  create(options) {
    const fetch = async (signal: AbortSignal) => {
      const { status, body } = await httpGet(options, signal)
      if (status === 200) return normal(textAt(body, options.pointer, options.url))
      throw new OperatorError(`${options.url} answers ${status}`, { hint: 'check `url`' })
    }
    return {
      type: 'vapid',
      subject: options.url,
      proves: true,
      async accepts({ version }, signal) {
        const wanted = publicKeyOf(version)
        const shown = await fetch(signal)
        return shown === wanted ? yes : no(`shows another public key than ${wanted}`)
      },
      async refuses({ version }, signal) {
        const old = publicKeyOf(version)
        return (await fetch(signal)) === old ? no(`still shows the public key ${old}`) : yes
      },
      ready: (signal) => isUp(() => fetch(signal), signal),
    }
  },
}

function publicKeyOf({ material, attributes }: Version): string {
  const key = attributes['public_key']
  if (key !== undefined) return normal(key)
  throw new OperatorError(`${material} has no public key that clients could be shown`, {
    kind: 'config',
    hint: 'use the verifier vapid with materials of the kind vapid',
  })
}

/** base64url without padding: some servers pad the key, some use the other alphabet. */
function normal(key: string): string {
  return key.trim().replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
}
