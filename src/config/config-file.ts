import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { refuseUntrusted } from '../support/trusted-file.ts'

/** Larger than any config written by hand, small enough to parse in a blink. */
const largest = 1024 * 1024

/** Where the config is: `--config`, else `REKEYD_CONFIG`, else the system's place. */
export function configPath(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return option ?? (environment['REKEYD_CONFIG'] || '/etc/rekeyd/rekeyd.yaml')
}

/**
 * Reads the config, unless somebody else could have written it: whoever writes the config decides
 * what rekeyd overwrites and which commands it runs.
 * @throws OperatorError of kind `config`
 */
export async function readConfigFile(path: string): Promise<Buffer> {
  // Without O_NONBLOCK, opening a FIFO waits for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) =>
    refuse(...unopened(path, error)),
  )
  try {
    checkFile(path, await file.stat())
    return await readUpTo(largest, file, path)
  } finally {
    await file.close()
  }
}

type Opened = Awaited<ReturnType<typeof open>>

/** By length read, not by `stat`: the file may grow meanwhile. */
async function readUpTo(limit: number, file: Opened, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(limit + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    length += bytesRead
    if (bytesRead === 0) return buffer.subarray(0, length)
    if (length > limit) refuse(`${path}: larger than 1 MiB`, 'is this the config file?')
  }
}

function checkFile(path: string, stats: Stats): void {
  if (!stats.isFile()) {
    refuse(`${path}: not a regular file`, 'give the path of the config file with --config')
  }
  refuseUntrusted(path, stats)
}

function unopened(path: string, error: unknown): [message: string, hint: string] {
  if (hasCode(error, 'ENOENT', 'ENOTDIR')) {
    return [`${path}: no such file`, 'write one with `rekeyd init`, or give its path with --config']
  }
  if (hasCode(error, 'EACCES', 'EPERM')) {
    return [`${path}: no permission to read it`, 'run as its owner or as root']
  }
  return [`${path}: cannot be opened`, 'give the path of the config file with --config']
}

function refuse(message: string, hint: string): never {
  throw new OperatorError(message, { kind: 'config', hint })
}
