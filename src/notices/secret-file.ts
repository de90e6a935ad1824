import { z } from 'zod'
import { SecretBytes } from '../model/secret-bytes.ts'
import { readInputFile } from '../support/input-file.ts'
import { OperatorError } from '../support/operator-error.ts'

/** The option of a secret: the file that holds it. */
export const secretFileSchema = z.strictObject({
  file: z.string().startsWith('/').describe('File that holds it, in one line.'),
})

/** More than any token, password or address has. Bytes. */
const longest = 4096

/**
 * Reads it anew at each use, so that it may be replaced while rekeyd runs. The line end is no part of it.
 * @throws OperatorError that names the file
 */
export async function readSecretFile({ file }: z.infer<typeof secretFileSchema>) {
  const bytes = await readInputFile(file)
  try {
    const end = bytes.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d) + 1
    const line = bytes.subarray(0, end)
    if (line.length > 0 && line.length <= longest && line.every((byte) => byte >= 0x20)) {
      return SecretBytes.copyOf(line)
    }
  } finally {
    bytes.fill(0)
  }
  throw new OperatorError(`${file} does not hold one line of text`, {
    hint: `write the secret into it, and nothing else: at most ${longest} bytes`,
  })
}
