import { randomUUID } from 'node:crypto'
import { basename, dirname } from 'node:path'
import type { Document } from 'yaml'
import { type InspectedPath, inspectPath, stagedName } from '../support/atomic-files.ts'
import { type FileAttributes, Folder, identityOf } from '../support/folder.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { ApiToken } from './api-token.ts'
import { withLock } from './file-lock.ts'
import { parseDocument, parseTokens, readTokenBytes } from './token-file.ts'

/** Who a file of tokens belongs to that is made now. */
export type Owner = Required<Pick<FileAttributes, 'uid' | 'gid'>>

const noTokens = `# The API tokens of rekeyd: only their SHA-256. \`rekeyd api-token\` adds and revokes them.
tokens: {}
`

/**
 * Adds a token to the file, which is made where there is none.
 * @throws OperatorError `refused` when the name is taken
 */
export async function addToken(path: string, token: ApiToken, owner?: Owner): Promise<void> {
  const { name, ...entry } = token
  await editLocked(path, owner, (document) => {
    if (document.hasIn(['tokens', name])) throw taken(name)
    document.setIn(['tokens', name], document.createNode(entry))
  })
}

/**
 * Takes a token out of the file: from the next request on nobody can use it.
 * @throws OperatorError `not-found`
 */
export async function revokeToken(path: string, name: string): Promise<void> {
  await editLocked(path, undefined, (document) => {
    if (!document.deleteIn(['tokens', name])) throw unknown(name)
  })
}

/** Two of us at once wait for each other; an editor that knows no lock is noticed. */
async function editLocked(
  path: string,
  owner: Owner | undefined,
  change: (document: Document) => void,
): Promise<void> {
  // By the name in the config: to resolve it would race with whoever makes the file.
  await withLock(path, () => edit(path, owner, change))
}

/**
 * Replaces the file in one step. Comments stay, and so do owner and mode: the daemon must be able to read it.
 * @throws OperatorError `busy` when somebody else changed it since it was read
 */
async function edit(
  path: string,
  owner: Owner | undefined,
  change: (document: Document) => void,
): Promise<void> {
  const live = await inspectPath(path, owner?.uid)
  const bytes = readTokenBytes(path) ?? Buffer.from(noTokens)
  await parseTokens(path, bytes)
  const document = await parseDocument(path, bytes)
  const tokens = document.get('tokens')
  if (tokens instanceof Object && 'flow' in tokens) tokens.flow = false
  change(document)
  const changed = Buffer.from(document.toString())
  await parseTokens(path, changed)
  await replace(live, changed, attributesOf(live, owner))
}

async function replace(
  live: InspectedPath,
  bytes: Buffer,
  attributes: FileAttributes,
): Promise<void> {
  const name = basename(live.path)
  const staged = stagedName(name, randomUUID())
  await using folder = await Folder.open(dirname(live.path))
  await folder.write(staged, bytes, attributes)
  const now = await folder.stat(name)
  if ((now && identityOf(now)) === (live.stats && identityOf(live.stats))) {
    return await folder.switch(staged, name)
  }
  await folder.remove(staged)
  throw new OperatorError(`${live.path} was changed meanwhile by somebody else`, {
    kind: 'busy',
    hint: 'nothing was written; look at `rekeyd api-token list` and try again',
  })
}

function attributesOf({ stats }: InspectedPath, owner: Owner | undefined): FileAttributes {
  if (!stats) return { mode: 0o600, ...owner }
  const { uid, gid, mode } = stats
  return { uid: Number(uid), gid: Number(gid), mode: Number(mode) & 0o777 }
}

function taken(name: string): OperatorError {
  return new OperatorError(`there is a token ${name} already`, {
    kind: 'refused',
    hint: `choose another name, or \`rekeyd api-token revoke ${name}\` first`,
  })
}

function unknown(name: string): OperatorError {
  return new OperatorError(`there is no token ${name}`, {
    kind: 'not-found',
    hint: '`rekeyd api-token list` names those that there are',
  })
}
