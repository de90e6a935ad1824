import { OperatorError } from '../support/operator-error.ts'

/** A file in a backup. */
export interface ArchiveFile {
  /** Relative, with `/` between its parts. */
  readonly name: string
  readonly content: Uint8Array
}

/** ustar (POSIX.1-1988) has this much room for a name. Bytes. */
const longestName = 100

/**
 * A tar archive in an age file (age-encryption.org/v1): what `age -d -i KEY FILE | tar x` opens, too.
 * @param recipients `age1…`
 */
export async function sealArchive(
  files: readonly ArchiveFile[],
  recipients: readonly string[],
): Promise<Uint8Array> {
  const [{ Encrypter }, { createTar }] = await Promise.all([
    import('age-encryption'),
    import('nanotar'),
  ])
  const long = files.find(({ name }) => Buffer.byteLength(name) > longestName)
  if (long) throw new RangeError(`${long.name} is too long a name for an archive`)
  const tar = createTar(
    files.map(({ name, content }) => ({ name, data: content })),
    { attrs: { mode: '600', uid: 0, gid: 0 } },
  )
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  try {
    return await encrypter.encrypt(tar)
  } finally {
    tar.fill(0)
  }
}

/**
 * The reverse. The contents are secret: whoever takes them wipes them.
 * @param identities `AGE-SECRET-KEY-1…`
 * @throws OperatorError when no identity opens it, or it is cut off or changed
 */
export async function openArchive(
  sealed: Uint8Array,
  identities: readonly string[],
): Promise<readonly ArchiveFile[]> {
  const [{ Decrypter }, { parseTar }] = await Promise.all([
    import('age-encryption'),
    import('nanotar'),
  ])
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  const tar = await decrypter.decrypt(sealed).catch(() => {
    throw new OperatorError('no identity opens the backup, or it is not whole', {
      hint: 'give the identity of one of its recipients with --identity, and check the size of the file',
    })
  })
  // parseTar looks at the whole of the underlying buffer.
  const exact = tar.byteLength === tar.buffer.byteLength ? tar : tar.slice()
  return parseTar(exact).flatMap(({ name, type, data }) =>
    type === 'file' && data ? [{ name, content: data }] : [],
  )
}
