import { statSync } from 'node:fs'
import type { Server } from 'node:https'
import { createSecureContext } from 'node:tls'
import { fileError } from '../support/file-error.ts'
import { identityOf } from '../support/folder.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { readSmallFile } from '../support/small-file.ts'
import type { Log } from './problem.ts'

/** Paths of PEM files: the certificate with those above it, and its private key. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

const readableByOthers = 0o007

/**
 * What a TLS server needs.
 * @throws OperatorError `config` when a file cannot be read, others can read the key, or the two do not fit
 */
export function readCertificate({ certificate, key }: CertificateFiles) {
  const mode = attempt('look at', key, () => statSync(key).mode)
  if ((mode & readableByOthers) !== 0) {
    throw new OperatorError(`${key} can be read by everybody on this host`, {
      kind: 'config',
      hint: `chmod o= ${key}`,
    })
  }
  const pair = {
    cert: attempt('read', certificate, () => readSmallFile(certificate)),
    key: attempt('read', key, () => readSmallFile(key)),
  }
  try {
    createSecureContext(pair)
    return pair
  } catch (error) {
    throw unfit(certificate, key, error)
  }
}

/**
 * Takes a renewed certificate up at the next connection after the files changed. A pair that does not fit, as
 * between the writing of one and the other, changes nothing; it is logged once.
 */
export function followCertificate(server: Server, files: CertificateFiles, log: Log): void {
  let used = identityOfPair(files)
  let refused: string | undefined
  // Before the listener of Node itself, which starts the handshake.
  server.prependListener('connection', () => {
    const present = identityOfPair(files)
    if (present === used || present === refused) return
    try {
      server.setSecureContext(readCertificate(files))
      used = present
    } catch (error) {
      refused = present
      const reason = messageOf(error)
      log.error('the changed certificate of admin.http is not used, but the one before', { reason })
    }
  })
}

/** Tells one state of the two files from another, without their content. */
function identityOfPair({ certificate, key }: CertificateFiles): string {
  return [certificate, key].map(identityOfFile).join()
}

function identityOfFile(path: string): string {
  try {
    return identityOf(statSync(path, { bigint: true }))
  } catch {
    return 'none'
  }
}

function attempt<T>(doing: string, path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw fileError(error, doing, path)
  }
}

/** The last words of OpenSSL, such as `key values mismatch`, quote nothing of the files. */
function unfit(certificate: string, key: string, error: unknown): OperatorError {
  const why = messageOf(error).split(':').at(-1)?.trim()
  return new OperatorError(`${certificate} and ${key} are no certificate and its key: ${why}`, {
    kind: 'config',
    hint: 'both must be PEM; set admin.http.tls to a pair that belongs together',
  })
}
