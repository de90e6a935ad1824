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
  const { result, detail } =
    verb === 'rotate'
      ? await operations.wait((await operations.startRotation(name, {}, caller)).id)
      : verb === 'rollback'
        ? await operations.rollback(name, {}, caller)
        : verb === 'compromise'
          ? await operations.compromise(name, {}, caller)
          : await operations.endOverlap(name, {}, caller)
  if (result === 'succeeded' || result === 'applied_unproved') return
  throw new Error(`${verb} ${name}: ${result} ${detail}`)
}
