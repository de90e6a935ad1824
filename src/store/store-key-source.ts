import { basename, dirname } from 'node:path'
import type { SecretBytes } from '../model/secret-bytes.ts'
import { checkProgram } from '../support/argv-option.ts'
import {
  inspectPath,
  stagedName,
  stagedPrefix,
  stageFile,
  switchFile,
} from '../support/atomic-files.ts'
import { doCommand } from '../support/command-contract.ts'
import { Folder } from '../support/folder.ts'
import type { Place } from '../targets/target.ts'

/** A source of the store key that rekeyd can give a new key to. */
export interface WritableSource {
  readonly place: Place
  /** Whether what was put shows at once; otherwise from the next start on. */
  readonly showsAtOnce: boolean
  /** @throws OperatorError with what to do, when `put` could not succeed */
  check(): Promise<void>
  /** Durably; repeating it is fine. */
  put(key: SecretBytes, previous: SecretBytes | undefined, signal: AbortSignal): Promise<void>
  /** Removes what an interrupted `put` left. */
  tidy(): Promise<void>
}

const tag = 'store-key'
/** How long the program that installs a credential may take, in milliseconds. */
const installTimeout = 60_000

/** A file, which keeps its owner; its mode is 0600. */
export function fileSource(file: string): WritableSource {
  return {
    place: { path: file, reads: 'file' },
    showsAtOnce: true,
    async check() {
      const { path, attributes } = await found(file)
      await using folder = await Folder.open(dirname(path))
      await folder.probe(stagedName(basename(path), tag), attributes)
    },
    async put(key) {
      const { path, attributes } = await found(file)
      await switchFile(await stageFile(path, tag, key.bytes, attributes), path)
    },
    async tidy() {
      const { path } = await found(file)
      await using folder = await Folder.open(dirname(path))
      const prefix = stagedPrefix(basename(path))
      const ours = (await folder.names()).filter((name) => name.startsWith(prefix))
      for (const name of ours) await folder.remove(name)
    },
  }
}

/** A systemd credential, encrypted for the unit by a program of the operator's (command contract). */
export function credentialSource(install: readonly string[]): WritableSource {
  return {
    place: { path: install.join(' '), reads: 'command' },
    showsAtOnce: false,
    check: async () => checkProgram(install),
    async put(key, previous, signal) {
      const secrets = [key.bytes, previous?.bytes ?? Buffer.alloc(0)]
      await doCommand({ argv: install, secrets, signal, timeout: installTimeout })
    },
    tidy: async () => {},
  }
}

async function found(file: string) {
  const { path, stats } = await inspectPath(file)
  const owner = stats && { uid: Number(stats.uid), gid: Number(stats.gid) }
  return { path, attributes: { ...owner, mode: 0o600 } }
}
