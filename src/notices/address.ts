import { z } from 'zod'
import { hostOf, trustOptions, urlOption } from '../support/http-get.ts'
import { isLoopback } from '../support/loopback.ts'
import { OperatorError } from '../support/operator-error.ts'
import { readSecretFile, secretFileSchema } from './secret-file.ts'

/** The options of an HTTP address to tell. Some addresses are as good as a password: those are in files. */
export const addressOptions = {
  url: z.union([urlOption, secretFileSchema]),
  ca: trustOptions.ca,
  allow_http: z
    .boolean()
    .default(false)
    .describe('Let notices cross the network in clear, to another host.'),
}

interface Address {
  readonly url: string | { readonly file: string }
  readonly allow_http: boolean
}

const inClear = 'must be https for another host; or set `allow_http: true`'

/** Refines options that have {@link addressOptions}. */
export const isPrivate = [
  ({ url, allow_http }: Address) => typeof url !== 'string' || allow_http || staysPrivate(url),
  { path: ['url'], error: inClear },
] satisfies [(address: Address) => boolean, object]

/** The address itself. @throws OperatorError when the file holds none, or one that may not be used */
export async function readAddress({ url, allow_http }: Address): Promise<string> {
  if (typeof url === 'string') return url
  const secret = await readSecretFile(url)
  const text = secret.bytes.toString()
  secret.wipe()
  const { success } = urlOption.safeParse(text)
  if (success && (allow_http || staysPrivate(text))) return text
  throw new OperatorError(
    `the address in ${url.file} ${success ? inClear : 'is no http or https address'}`,
  )
}

function staysPrivate(url: string): boolean {
  return url.startsWith('https:') || isLoopback(hostOf(url))
}
