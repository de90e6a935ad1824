import { basename, dirname } from 'node:path'
import { deleteRow } from '../sqlcipher/row.ts'
import { withUnlocked } from '../sqlcipher/with-unlocked.ts'
import { inspectPath } from '../support/atomic-files.ts'
import { doCommand } from '../support/command-contract.ts'
import { Folder } from '../support/folder.ts'
import { OperatorError } from '../support/operator-error.ts'
import { commandUnit } from '../support/systemctl.ts'
import {
  type ConsumerMadeOptions,
  consumerMadeOptions,
  type Reset,
  type Trigger,
} from './consumer-made-options.ts'
import { addressOf, archiveOf, observeSource } from './consumer-value.ts'
import type { KindContext, KindType, MadeByConsumer } from './kind.ts'

/** A trigger and an observing program may take this long, in milliseconds. */
const patience = 60_000

/** Key material that the consumer makes by itself: rekeyd archives, provokes and observes it. */
export const consumerMade: KindType<ConsumerMadeOptions> = {
  schema: consumerMadeOptions,
  neverCreate: true,
  create: createConsumerMade,
}

function createConsumerMade(options: ConsumerMadeOptions, context: KindContext): MadeByConsumer {
  const { trigger, reset } = options
  if (trigger && reset) throw misconfigured(context, 'has both a trigger and a reset', 'choose one')
  const source = options.observe ?? reset
  if (!source) throw misconfigured(context, 'cannot be observed', 'set observe')
  return {
    madeBy: 'consumer',
    offline: reset !== undefined,
    observe: (signal) => observeSource(source, context, signal),
    ...(reset && {
      archive: (signal: AbortSignal) => archiveOf(reset, context, signal),
      provoke: (signal: AbortSignal) => remove(reset, context, signal),
    }),
    ...(trigger && { provoke: (signal: AbortSignal) => pull(trigger, signal) }),
  }
}

async function pull(how: Trigger, signal: AbortSignal): Promise<void> {
  if ('command' in how) return doCommand({ argv: how.command, signal, timeout: patience })
  const { systemd: unit, systemctl } = how
  await commandUnit({ unit, systemctl }, 'start', signal)
}

/** Exactly what was archived before: nothing there is an error, so that a mistyped place is noticed. */
async function remove(what: Reset, context: KindContext, signal: AbortSignal): Promise<void> {
  if ('sqlite_row' in what) {
    const row = what.sqlite_row
    const editionOf = (material: string) => context.editionOf(material)
    return withUnlocked(row, editionOf, (unlock) => deleteRow(addressOf(row), unlock, signal))
  }
  const { path, stats } = await inspectPath(what.file)
  if (!stats) {
    throw new OperatorError(`there is no file ${path} to reset`, { hint: 'check reset.file' })
  }
  await using folder = await Folder.open(dirname(path))
  await folder.remove(basename(path))
  await folder.sync()
}

function misconfigured({ material }: KindContext, problem: string, hint: string): OperatorError {
  return new OperatorError(`material ${material} ${problem}`, { kind: 'config', hint })
}
