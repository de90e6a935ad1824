import { writeFile } from 'node:fs/promises'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'

/** An age key pair, its identity in a file as `age-keygen` writes it. */
export async function makeAgeKey(path: string): Promise<{ readonly recipient: string }> {
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  await writeFile(path, `# public key: ${recipient}\n${identity}\n`, { mode: 0o600 })
  return { recipient }
}
