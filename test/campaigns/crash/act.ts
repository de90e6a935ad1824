import { type OpenRekeyd, openRekeyd } from './open-rekeyd.ts'

/** What is done to a material, as a scenario writes it down. */
export type Act =
  | readonly ['recover']
  | readonly ['rotate' | 'rollback' | 'end-overlap' | 'compromise', string]

const caller = { who: 'cli:campaign' }

/** Opens rekeyd on `folder`, recovers, and does it all. @throws when something does not succeed */
export async function perform(folder: string, acts: readonly Act[]): Promise<void> {
  const rekeyd = await openRekeyd(folder)
  try {
    await rekeyd.recover()
    for (const act of acts) await take(rekeyd, act)
  } finally {
    await rekeyd.close()
  }
}

export async function take({ operations }: OpenRekeyd, [verb, name = '']: Act): Promise<void> {
  if (verb === 'recover') return
  const acts = {
    rotate: async () => operations.wait((await operations.startRotation(name, {}, caller)).id),
    rollback: () => operations.rollback(name, {}, caller),
    'end-overlap': () => operations.endOverlap(name, {}, caller),
    compromise: () => operations.compromise(name, {}, caller),
  }
  const { result, detail } = await acts[verb]()
  if (result === 'succeeded' || result === 'applied_unproved') return
  throw new Error(`${verb} ${name}: ${result} ${detail}`)
}
