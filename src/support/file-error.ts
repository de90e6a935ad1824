import { getSystemErrorMap } from 'node:util'
import { OperatorError } from './operator-error.ts'

/** What to do about it, by the code of the system error. */
const hints: Readonly<Record<string, string>> = {
  EACCES: 'give the user that rekeyd runs as access to the folder',
  EPERM: 'the owner cannot be set without privilege, or the place is immutable (lsattr)',
  EROFS: 'the file system is read-only for rekeyd: with systemd, add the folder to ReadWritePaths=',
  ENOENT: 'create the folder, or correct the path',
  ENOSPC: 'free space on this file system',
  EDQUOT: 'free space within the quota',
  EBUSY: 'mount the folder instead of the single file',
  EXDEV: 'mount the folder instead of the single file',
  EIO: 'the disk reports an error: look at the kernel log before anything else',
}

/**
 * A system error as the operator reads it. Node's own message is left out: it names paths by our
 * descriptors (`/proc/self/fd/…`).
 * @param doing what was tried, for `cannot …`: `write`, `replace`, `read`
 */
export function fileError(error: unknown, doing: string, path: string): OperatorError {
  if (error instanceof OperatorError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const hint = code === undefined ? undefined : hints[code]
  return new OperatorError(`cannot ${doing} ${path}: ${explain(error, code)}`, {
    ...(hint !== undefined && { hint }),
  })
}

function explain(error: unknown, code: string | undefined): string {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN
  const [, text] = getSystemErrorMap().get(errno) ?? []
  if (text !== undefined) return `${text} (${code})`
  return code ?? (error instanceof Error ? error.name : 'unknown error')
}
