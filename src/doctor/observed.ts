import { isMadeByConsumer } from '../rotation/managed.ts'
import { attempt, warning } from './finding.ts'
import type { MaterialCheck } from './subject.ts'

const patience = 30_000

/** Whether what a consumer makes can be seen, which a rotation does before anything else. */
export const observed: MaterialCheck = async (material, _subject, signal) => {
  if (!isMadeByConsumer(material)) return []
  const { name, kind } = material
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  const found = await attempt('observed', { material: name }, async () => {
    return (await kind.observe(limit)) ? 'a value is in use' : 'no value is in use yet'
  })
  if (found.level !== 'failure' || kind.provoke) return [found]
  // It is only watched: nothing of ours would fail.
  return [warning('observed', found.message, 'see that the consumer runs', { material: name })]
}
