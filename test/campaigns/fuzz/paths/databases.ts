import assert from 'node:assert/strict'
import type { Target } from '../../../../src/targets/target.ts'
import type { Trial } from '../trial.ts'
import type { Laid } from './ground.ts'
import { differences, treeOf } from './tree.ts'

const signal = new AbortController().signal

/** Looks at one, as every start and every rotation does first; what it takes to write one is for other campaigns. */
export async function lookAtDatabase(
  trial: Trial,
  target: Target,
  { verdict }: Laid,
  folders: readonly string[],
): Promise<void> {
  const before = treeOf(...folders)
  const unchanged = (after: string) => {
    const changes = differences(before, treeOf(...folders))
    assert.deepEqual(
      changes.filter((change) => !/\.rekeyd-.* is gone/.test(change)),
      [],
      `changed by ${after}`,
    )
  }
  const finding = await target.inspect([], signal)
  trial.hear(JSON.stringify(finding))
  unchanged('inspect')
  const { refusal } = await trial.ask(() => target.check(signal))
  unchanged('check')
  if (verdict) {
    assert.equal(refusal ? 'refused' : 'accepted', verdict, refusal?.message)
  }
}
