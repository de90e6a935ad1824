import type { Edition, Version } from '../model/version.ts'
import type { Draft } from './attempt.ts'
import { editionOf } from './edition.ts'
import { isMadeHere } from './managed.ts'
import type { EngineParts } from './outcome.ts'
import type { Member } from './plan.ts'

/**
 * A draft with its bytes in reach; a version that is yet to be made is only promised.
 * @param made versions that this rotation has made
 */
export function memberOf(
  { keys }: Pick<EngineParts, 'keys'>,
  draft: Pick<Draft, 'material' | 'from' | 'to' | 'ending'>,
  made: readonly Version[],
): Member {
  const { material, from, ending } = draft
  const own = made.filter((version) => version.material === material.name)
  const to = draft.to ?? own[0]
  const edition = (version: Version): Edition =>
    isMadeHere(material)
      ? editionOf(keys, material.kind, version)
      : { ...promised(material.name), version }
  return {
    material,
    ...(from && { from: edition(from) }),
    to: to ? edition(to) : promised(material.name),
    ...(ending && { ending }),
    ...shownOf(keys.list(material.name), own, edition),
  }
}

/** What clients may have been shown: the version in overlap, and one announced before this rotation. */
function shownOf(
  known: readonly Version[],
  own: readonly Version[],
  edition: (version: Version) => Edition,
): Pick<Member, 'retiring' | 'announced'> {
  const isOwn = ({ number }: Version) => own.some((version) => version.number === number)
  const retiring = known.find(({ state }) => state === 'retiring')
  const announced = known.find((version) => version.state === 'prepared' && !isOwn(version))
  return {
    ...(retiring && { retiring: edition(retiring) }),
    ...(announced && { announced: edition(announced) }),
  }
}

/** Stands for the version that is about to be made, in checks that need no bytes. */
function promised(material: string): Edition {
  const version: Version = {
    material,
    number: 0,
    state: 'prepared',
    compromised: false,
    origin: 'generated',
    fingerprint: '',
    attributes: {},
    createdAt: 0,
  }
  return { version, bytes: () => Promise.reject(new RangeError('not made yet')) }
}
