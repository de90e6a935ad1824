import { open, unlink } from 'node:fs/promises'
import type { SecretBytes } from '../../model/secret-bytes.ts'
import { fileError } from '../../support/file-error.ts'
import { hasCode, OperatorError } from '../../support/operator-error.ts'

/**
 * Writes a secret to a new file that only its owner reads, and takes it away again where `andThen` fails.
 * @throws OperatorError when the file exists: it is never written over
 */
export async function writeSecretFile(
  path: string,
  secret: SecretBytes,
  andThen: () => Promise<void>,
): Promise<void> {
  // `wx` follows no symbolic link.
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw hasCode(error, 'EEXIST') ? exists(path) : fileError(error, 'write', path)
  })
  try {
    await file.writeFile(secret.bytes)
    await file.sync()
    await andThen()
  } catch (error) {
    await unlink(path)
    throw fileError(error, 'write', path)
  } finally {
    await file.close()
  }
}

function exists(path: string): OperatorError {
  return new OperatorError(`${path} exists already`, {
    hint: 'give --out a file that does not exist; nothing is written over',
  })
}
