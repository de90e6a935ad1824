import { randomBytes } from 'node:crypto'
import { link, mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { stageFile, switchFile } from '../support/atomic-files.ts'
import { fileError } from '../support/file-error.ts'
import { Folder } from '../support/folder.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'

/** Older configs that are kept before one has to be removed by hand. */
const mostKept = 99

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/**
 * Writes a file of rekeyd's own, whole or not at all, durably. Its folder is made where it is missing; a new file is
 * its owner's alone, one that is replaced keeps owner and mode.
 * @param replace whether one that is there may be replaced; it is kept under another name
 * @returns the name under which the one before is kept; undefined where there was none
 * @throws OperatorError `refused` when there is one that may not be replaced
 */
export async function writeOwnFile(
  path: string,
  text: string,
  replace: boolean,
): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileError(error, 'make', dirname(path))
  })
  const present = await stat(path).catch(() => undefined)
  if (present && !replace) throw alreadyThere(path)
  const attributes = present
    ? { uid: present.uid, gid: present.gid, mode: present.mode & 0o755 }
    : { mode: 0o600 }
  const kept = present && (await keep(path))
  const tag = `init-${randomBytes(8).toString('hex')}`
  const staged = await stageFile(path, tag, Buffer.from(text, 'utf8'), attributes)
  if (kept !== undefined) await switchFile(staged, path)
  else await putNew(staged, path)
  return kept
}

/** A second name for what is there, so that the rename over it loses nothing. */
async function keep(path: string): Promise<string> {
  for (let number = 1; number <= mostKept; number += 1) {
    const name = number === 1 ? `${path}.bak` : `${path}.bak${number}`
    try {
      await link(path, name)
      return name
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw fileError(error, 'keep', path)
    }
  }
  throw new OperatorError(`${path}.bak to ${path}.bak${mostKept} exist already`, {
    kind: 'refused',
    hint: 'remove those that you no longer need',
  })
}

/** A link refuses what a rename would replace: a config that somebody wrote meanwhile. */
async function putNew(staged: string, path: string): Promise<void> {
  await using folder = await Folder.open(dirname(staged))
  try {
    await link(staged, join(folder.path, basename(path))).catch((error: unknown) => {
      throw hasCode(error, 'EEXIST') ? alreadyThere(path) : fileError(error, 'write', path)
    })
  } finally {
    await folder.remove(basename(staged))
    await folder.sync()
  }
}

export function alreadyThere(path: string): OperatorError {
  return new OperatorError(`${path} exists already`, {
    kind: 'refused',
    hint: '--force writes a new one and keeps this as .bak; --stdout only shows it; --config FILE puts it elsewhere',
  })
}
