import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { readCertificate } from '../../../src/admin/certificate.ts'
import { readTokens } from '../../../src/api-tokens/token-file.ts'
import { compromisedBeside } from '../../../src/backup/backup-folder.ts'
import { openBackup } from '../../../src/backup/restore.ts'
import { readConfigFile } from '../../../src/config/config-file.ts'
import { openKeyFile } from '../../../src/store/key-file.ts'
import { findMarker } from '../../../src/store/marker.ts'
import { createStoreKeyFile, readStoreKey } from '../../../src/store/store-key.ts'
import { readInputFile } from '../../../src/support/input-file.ts'
import { OperatorError } from '../../../src/support/operator-error.ts'
import { readSmallFile } from '../../../src/support/small-file.ts'
import { targetContext } from '../../support/file-place.ts'
import { testEdition } from '../../support/test-edition.ts'
import type { FuzzClass } from './fuzz-class.ts'
import { types } from './paths/types.ts'
import type { Trial } from './trial.ts'

const signal = new AbortController().signal
const targetLimit = 8 * 1024 * 1024
/** Bytes that a case may add to the most that this process ever had: a few copies of the largest that is read. */
const mostGrowth = 256 * 1024 * 1024

const sizes = {
  'no byte': 0,
  'one byte': 1,
  'under 64 KiB': 64 * 1024 - 1,
  'a megabyte': 1024 * 1024,
  'a megabyte and one': 1024 * 1024 + 1,
  'the limit': targetLimit,
  'the limit and one': targetLimit + 1,
  'ten gigabytes': 10 * 1024 ** 3,
  growing: 1_000,
} as const

/** Whoever reads a file of somebody else's, by what it is to rekeyd. */
const readers: Readonly<Record<string, (path: string, folder: string) => unknown>> = {
  config: (path) => readConfigFile(path),
  'a certificate of an issuer': (path) => readInputFile(path),
  'a certificate of admin.http': (path) => readCertificate({ certificate: path, key: path }),
  'an authority': (path) => readSmallFile(path),
  'the file of tokens': (path) => readTokens(path),
  'a store key': (path) => readStoreKey({ file: path }),
  'store.keys': (_, folder) => {
    createStoreKeyFile(join(folder, 'own.key'))
    return openKeyFile(folder, readStoreKey({ file: join(folder, 'own.key') }))
  },
  'store.marker': (_, folder) => findMarker(folder, 'none'),
  'rekeyd-compromised.json': (_, folder) => compromisedBeside(folder),
  'an identity': (path) => openBackup('/dev/null', path),
  ...Object.fromEntries(
    Object.entries(types).map(([type, { of, options }]) => [
      type,
      async (path: string) => {
        if (type === 'file_set') return
        const target = of.create(of.schema.parse({ path, ...options }) as never, targetContext)
        const { holds } = await target.inspect([testEdition(1, 'a-value')], signal)
        assert.notEqual(holds, 'version')
        await target.check(signal)
        await target.stage({ rotation: 'r1', edition: testEdition(1, 'a-value') }, signal)
      },
    ]),
  ),
}

interface Input {
  readonly reader: string
  readonly size: keyof typeof sizes
  readonly filler: string
}

const inputs: fc.Arbitrary<Input> = fc.record({
  reader: fc.constantFrom(...Object.keys(readers)),
  size: fc.constantFrom(...(Object.keys(sizes) as (keyof typeof sizes)[])),
  filler: fc.constantFrom('\0', '#', ' ', '\n', '# a comment\n', 'A=1\n', '"'),
})

/** Files of every size, wherever one is read: a clear word or success, and neither much memory nor much time. */
export const huge: FuzzClass<Input, void> = {
  name: 'huge',
  share: 1,
  patience: 10_000,
  inputs,
  async open() {
    return { attempt }
  },
}

async function attempt({ reader, size, filler }: Input, trial: Trial): Promise<void> {
  const folder = join(trial.folder, 'it')
  mkdirSync(folder, { mode: 0o700 })
  // Some look for a name of their own.
  const path = join(folder, reader.replaceAll(' ', '-'))
  const length = sizes[size]
  const isSparse = length > 2 * targetLimit
  writeFileSync(path, isSparse ? '' : Buffer.alloc(length, filler), { mode: 0o600 })
  if (isSparse) truncateSync(path, length)
  const before = process.resourceUsage().maxRSS
  const grower =
    size === 'growing'
      ? spawn('sh', ['-c', 'head -c 30000000 /dev/zero >> "$1"', 'sh', path], { stdio: 'ignore' })
      : undefined
  const ended = grower && once(grower, 'exit')
  try {
    const { refusal } = await trial.ask(async () => readers[reader]?.(path, folder))
    if (refusal) assertClear(refusal, trial)
    assert.ok(refusal || !isSparse || reader === 'file_set', 'ten gigabytes were taken')
  } finally {
    await ended
  }
  const growth = (process.resourceUsage().maxRSS - before) * 1_024
  assert.ok(growth < mostGrowth, `takes ${(growth / 2 ** 20).toFixed(0)} MiB of memory`)
}

function assertClear(refusal: OperatorError, trial: Trial): void {
  assert.ok(refusal instanceof OperatorError)
  assert.ok(refusal.message.includes(trial.folder), `names no path: ${refusal.message}`)
  assert.ok(refusal.message.length < 1_000, 'too long to read')
}
