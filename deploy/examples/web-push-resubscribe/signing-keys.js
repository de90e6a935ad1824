import { createECDH } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/**
 * The key pair of a public key, from the files that rekeyd writes. They are read at each use: no restart is needed.
 * @param files with a private key each (base64url): the one in use and the previous one
 * @returns undefined for what is not there any more
 */
export async function signingKey(files, publicKey) {
  for (const file of files) {
    const privateKey = (await readFile(file, 'utf8').catch(() => '')).trim()
    if (privateKey && publicOf(privateKey) === publicKey) return { publicKey, privateKey }
  }
  return undefined
}

function publicOf(privateKey) {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(privateKey, 'base64url')
  return pair.getPublicKey('base64url')
}
