import type { Made, MadeHere } from '../materials/kind.ts'
import type { Edition, Version } from '../model/version.ts'
import type { Actor, KeyStore, NewVersion } from '../store/key-store.ts'
import { OperatorError } from '../support/operator-error.ts'
import { resolvePart } from './edition.ts'
import { inspectTarget, isReadable, readTargets } from './inspection.ts'
import { refuseKnownLeak } from './known-leak.ts'
import type { ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'

/**
 * Makes what is in use the active version. A version that the store knows is taken up again, anything else
 * gets a number of its own.
 * @returns undefined when the targets hold nothing
 * @throws OperatorError when they hold something that cannot be adopted: they disagree, or a database does
 *   not open with the key that was found
 */
export async function adopt(
  material: ManagedMaterial<MadeHere>,
  { keys, clock }: Pick<EngineParts, 'keys' | 'clock'>,
  actor: Actor,
): Promise<Version | undefined> {
  const made = await adoptable(material, keys)
  if (!made) return undefined
  try {
    const known = recognise(material.name, made, keys)
    if (known?.state === 'active') return known
    refuseKnownLeak(keys, material.name, made)
    const previous = keys.active(material.name)
    const keepUntil = clock.now() + material.keep
    const adopted = known ?? keys.put(newVersion(material.name, made, 'adopted'), 'prepared', actor)
    keys.change(
      [
        ...(previous ? [{ ...reference(previous), event: 'withdraw' as const, keepUntil }] : []),
        { ...reference(adopted), event: adopted.state === 'prepared' ? 'activate' : 'reactivate' },
      ],
      actor,
    )
    return keys.get(material.name, adopted.number)
  } finally {
    wipe(made)
  }
}

/**
 * What is in use, where it could be adopted.
 * @throws OperatorError as {@link adopt} does
 */
export async function adoptable(
  material: ManagedMaterial<MadeHere>,
  keys: KeyStore,
): Promise<Made | undefined> {
  const made = await readTargets(material, keys)
  try {
    if (made) await refuseDisagreement(material, made)
    return made
  } catch (error) {
    if (made) wipe(made)
    throw error
  }
}

/** Overwrites the bytes of something that the store has sealed, or that nobody wants. */
export function wipe({ parts }: Made): void {
  for (const secret of Object.values(parts)) secret.wipe()
}

export function newVersion(material: string, made: Made, origin: NewVersion['origin']): NewVersion {
  return { material, origin, ...made }
}

function recognise(name: string, made: Made, keys: KeyStore): Version | undefined {
  const fingerprint = made.fingerprint ?? keys.fingerprint(made.parts)
  return keys
    .list(name)
    .find((version) => version.fingerprint === fingerprint && version.state !== 'destroyed')
}

function reference({ material, number }: Version) {
  return { material, number }
}

async function refuseDisagreement(material: ManagedMaterial<MadeHere>, made: Made): Promise<void> {
  const edition = passing(material, made)
  for (const target of material.targets.filter(({ role }) => role === 'active')) {
    if (isReadable(target)) continue
    const finding = await inspectTarget(target, [edition])
    if (finding.holds === 'version') continue
    const detail = 'detail' in finding && finding.detail ? ` (${finding.detail})` : ''
    throw new OperatorError(
      `${target.place.path} does not hold the ${material.name} that its other targets hold: ${finding.holds}${detail}`,
      {
        kind: 'needs-attention',
        hint: `correct the path, or put the right value into its targets; nothing is changed before`,
      },
    )
  }
}

/** An edition of something that has no number yet. */
export function passing({ name, kind }: ManagedMaterial<MadeHere>, made: Made): Edition {
  const version: Version = {
    material: name,
    number: 0,
    state: 'prepared',
    compromised: false,
    origin: 'adopted',
    fingerprint: made.fingerprint ?? '',
    attributes: made.attributes,
    createdAt: 0,
  }
  return {
    version,
    bytes(part, format) {
      const wanted = resolvePart(kind, part, format)
      return kind.render(made.parts, wanted.part, wanted.format)
    },
  }
}
