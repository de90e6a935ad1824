import type { Made, MadeHere } from '../materials/kind.ts'
import { canReactivate } from '../model/lifecycle.ts'
import type { Trigger } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Draft } from './attempt.ts'
import { editionOf } from './edition.ts'
import type { Inspected } from './inspection.ts'
import { isMadeHere, type ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'
import { madeByItsConsumer } from './refusals.ts'

/**
 * From the active version to the announced one, or to one that is yet to be made.
 * @throws OperatorError when the material waits for a person
 */
export async function next(
  parts: EngineParts,
  material: ManagedMaterial,
  trigger: Trigger,
): Promise<Draft> {
  const { attention } = parts.schedule.get(material.name)
  if (attention !== undefined) {
    await material.permit?.()
    throw new OperatorError(`${material.name} needs attention: ${attention}`, {
      kind: 'needs-attention',
      hint: `\`rekeyd adopt ${material.name}\` takes what is live, \`rekeyd apply ${material.name}\` writes the active version again`,
    })
  }
  const announced = usableAnnounced(parts, material)
  const from = parts.keys.active(material.name)
  if (!from && material.onMissing === 'refuse' && trigger !== 'schedule') refuseCreation(material)
  if (!announced || from?.compromised) return fresh(parts, material)
  return { material, to: announced, ...(from && { from }) }
}

/** From the active version to some next one, without saying how it comes about. */
export function unmade({ keys }: EngineParts, material: ManagedMaterial): Draft {
  const from = keys.active(material.name)
  return { material, ...(from && { from }) }
}

/**
 * From what has leaked to one that is yet to be made, whatever else there is to say about it.
 * @throws OperatorError `refused` where there is nothing to replace
 */
export async function replacement(parts: EngineParts, material: ManagedMaterial): Promise<Draft> {
  // Where this is not for one host to do, the steps by hand are what the operator needs.
  await material.permit?.()
  if (!parts.keys.active(material.name) && material.onMissing === 'refuse') refuseCreation(material)
  return fresh(parts, material)
}

/** From the active version to one that is yet to be made, whatever was announced. */
function fresh(parts: EngineParts, material: ManagedMaterial): Draft {
  const draft = unmade(parts, material)
  return { ...draft, make: maker(parts, material, draft.from) }
}

/** From the active version to one that was made elsewhere. */
export function imported(parts: EngineParts, material: ManagedMaterial, made: Made): Draft {
  return { ...unmade(parts, material), make: async () => made, origin: 'imported' }
}

/** From the active version back to `number`, or to the one that was active before it. */
export function previous(
  { keys }: EngineParts,
  material: ManagedMaterial,
  number: number | undefined,
): Draft {
  const { name } = material
  if (!isMadeHere(material)) throw madeByItsConsumer(name)
  const from = keys.active(name)
  const to = keys
    .list(name)
    .filter((version) => canReactivate(version) && version.activeSince !== undefined)
    .toSorted((a, b) => (b.activeSince ?? 0) - (a.activeSince ?? 0))
    .find((version) => number === undefined || version.number === number)
  if (!to) {
    const which = number === undefined ? 'an earlier version' : `version ${number}`
    throw new OperatorError(`${which} of ${name} cannot be given back`, {
      kind: 'refused',
      hint: `\`rekeyd status ${name}\` shows which versions are kept; destroyed and compromised ones are gone for good`,
    })
  }
  return { material, to, ...(from && { from }) }
}

/** The end of the overlap of the retiring version; undefined when none is in overlap. */
export function ending({ keys }: EngineParts, material: ManagedMaterial): Draft | undefined {
  const from = keys.list(material.name).find(({ state }) => state === 'retiring')
  const to = keys.active(material.name)
  return from && to ? { material, from, to, ending: true } : undefined
}

/**
 * The next version, ahead of time.
 * @throws OperatorError `refused` when clients have been told of one already
 */
export function announced(parts: EngineParts, material: ManagedMaterial): Draft {
  const known = usableAnnounced(parts, material)
  if (known) {
    throw new OperatorError(`version ${known.number} of ${material.name} is announced already`, {
      kind: 'refused',
    })
  }
  return { material, make: maker(parts, material, parts.keys.active(material.name)) }
}

/** The active version once more, for targets that were seen to hold something else. */
export function applied(
  { keys }: EngineParts,
  material: ManagedMaterial,
  inspected: readonly Inspected[],
): Draft {
  if (!isMadeHere(material)) throw madeByItsConsumer(material.name)
  const to = keys.active(material.name)
  if (!to) refuseCreation(material)
  const held = inspected.flatMap(({ target, finding }) =>
    target.role === 'active' && finding.holds === 'version' && finding.number !== to.number
      ? [finding.number]
      : [],
  )
  const known = held[0] === undefined ? undefined : keys.get(material.name, held[0])
  return { material, to, ...(known && held.every((n) => n === known.number) && { from: known }) }
}

/** An announced version that has not leaked or expired while it waited. */
function usableAnnounced({ keys, clock }: EngineParts, { name }: ManagedMaterial) {
  return keys
    .list(name)
    .find(
      ({ state, compromised, notAfter }) =>
        state === 'prepared' && !compromised && (notAfter ?? Infinity) > clock.now(),
    )
}

function maker(parts: EngineParts, material: ManagedMaterial, from: Version | undefined) {
  if (!isMadeHere(material)) throw new RangeError(`${material.name} is made by its consumer`)
  const kind: MadeHere = material.kind
  return (signal: AbortSignal) =>
    kind.generate(
      {
        material: material.name,
        now: parts.clock.now(),
        ...(from && { previous: editionOf(parts.keys, kind, from) }),
      },
      signal,
    )
}

function refuseCreation({ name }: ManagedMaterial): never {
  throw new OperatorError(`${name} has no version yet, and on_missing is refuse`, {
    kind: 'refused',
    hint: `\`rekeyd adopt ${name}\` takes what is in use; set on_missing: create to make a first one`,
  })
}
