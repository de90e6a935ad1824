import { closeSync, constants, openSync, readSync } from 'node:fs'
import { hasCode, OperatorError } from '../support/operator-error.ts'

/**
 * A transaction was cut off and its rollback journal is still there. Only the engine that wrote it can play
 * it back: another one deletes it and so commits half a transaction, without a word. Starting the
 * consumer recovers it.
 */
export class HotJournal extends OperatorError {
  constructor(path: string) {
    super(`${path} has a hot journal: its consumer was cut off in the middle of a transaction`, {
      kind: 'needs-attention',
      hint: 'start the consumer, which recovers its database, and try again; nothing was changed',
    })
  }
}

/**
 * Before SQLite opens a database of somebody else's.
 * @throws HotJournal when `-journal` holds a transaction
 */
export function refuseHotJournal(path: string): void {
  if (isHot(`${path}-journal`)) throw new HotJournal(path)
}

/** `journal_mode=TRUNCATE` leaves an empty file behind, `PERSIST` one whose header is zero: those are spent. */
function isHot(journal: string): boolean {
  let file: number
  try {
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    file = openSync(journal, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  try {
    const first = Buffer.alloc(1)
    return readSync(file, first) === 1 && first[0] !== 0
  } finally {
    closeSync(file)
  }
}
