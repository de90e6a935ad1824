import { open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { stagedName } from '../support/atomic-files.ts'
import { systemClock } from '../support/clock.ts'
import { fileError } from '../support/file-error.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'

/** An edit takes milliseconds: whoever holds it for longer was killed in the middle. */
const patience = 5_000
/** Between two tries, in milliseconds. */
const pace = 20

/**
 * Works while nobody else does: a file beside `path` that only one can make. It cannot be told whether a lock
 * that was left behind is still wanted, so a person removes that.
 * @param limit milliseconds to wait for somebody else
 * @throws OperatorError `busy` that names the lock
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  limit = patience,
): Promise<T> {
  const lock = join(dirname(path), stagedName(basename(path), 'lock'))
  const end = performance.now() + limit
  while (!(await take(lock))) {
    if (performance.now() >= end) throw held(path, lock)
    await systemClock.sleep(pace)
  }
  try {
    return await work()
  } finally {
    await unlink(lock)
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx', 0o600)
    await file.close()
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw fileError(error, 'write', lock)
  }
}

function held(path: string, lock: string): OperatorError {
  return new OperatorError(`${path} is being changed by somebody else`, {
    kind: 'busy',
    hint: `try again; if no other \`rekeyd api-token\` runs, remove ${lock}, which one left behind`,
  })
}
