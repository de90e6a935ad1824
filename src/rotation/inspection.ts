import type { Found, Made, MadeHere } from '../materials/kind.ts'
import type { Edition, Version } from '../model/version.ts'
import type { KeyStore } from '../store/key-store.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import type { Finding, ReadPart, Target } from '../targets/target.ts'
import { editionOf, resolvePart } from './edition.ts'
import { isMadeHere, type ManagedMaterial } from './managed.ts'

/** What one target was seen to hold. */
export interface Inspected {
  readonly target: Target
  readonly finding: Finding
}

/** An inspection must end even if a file system hangs. */
const patience = 60_000

/** Asks each target of the material which version it holds. Read-only. */
export async function inspectMaterial(
  material: ManagedMaterial,
  keys: KeyStore,
): Promise<readonly Inspected[]> {
  if (!isMadeHere(material)) return []
  const candidates = candidatesOf(material, keys)
  const inspected: Inspected[] = []
  for (const target of material.targets) {
    inspected.push({ target, finding: await inspectTarget(target, candidates) })
  }
  return recogniseSpelling(material, keys, inspected)
}

/** One target; anything that goes wrong is "could not tell". */
export async function inspectTarget(
  target: Target,
  candidates: readonly Edition[],
): Promise<Finding> {
  try {
    return await target.inspect(candidates, AbortSignal.timeout(patience))
  } catch (error) {
    return { holds: 'unknown', detail: messageOf(error) }
  }
}

/** Every version that the store can still give, the active one first. */
function candidatesOf(material: ManagedMaterial<MadeHere>, keys: KeyStore): readonly Edition[] {
  const readable = keys.list(material.name).filter(({ state }) => state !== 'destroyed')
  const isActive = (version: Version) => version.state === 'active'
  return [...readable.filter(isActive), ...readable.filter((version) => !isActive(version))].map(
    (version) => editionOf(keys, material.kind, version),
  )
}

/**
 * An adopted version may be spelt differently from how rekeyd would write it (line lengths, a comment in a
 * PEM file). If everything read together is the active version, it is no drift.
 */
async function recogniseSpelling(
  material: ManagedMaterial<MadeHere>,
  keys: KeyStore,
  inspected: readonly Inspected[],
): Promise<readonly Inspected[]> {
  const active = keys.active(material.name)
  const strange = inspected.some(
    ({ target, finding }) => target.role === 'active' && finding.holds === 'something else',
  )
  if (!active || !strange) return inspected
  const made = await readTargets(material, keys).catch(() => undefined)
  if (!made || (made.fingerprint ?? keys.fingerprint(made.parts)) !== active.fingerprint) {
    return inspected
  }
  const known: Finding = { holds: 'version', number: active.number }
  return inspected.map(({ target, finding }) =>
    target.role === 'active' && isReadable(target) && finding.holds === 'something else'
      ? { target, finding: known }
      : { target, finding },
  )
}

/**
 * Reads a version from the active targets, taken together; undefined when none of them holds anything.
 * @throws OperatorError when it does not parse, or the targets disagree
 */
export async function readTargets(
  material: ManagedMaterial<MadeHere>,
  keys: KeyStore,
): Promise<Made | undefined> {
  const { kind, name } = material
  const found = await readAll(material)
  if (found.length === 0 || !kind.adopt) return undefined
  const first = found.filter(({ part }, index) => found.findIndex((f) => f.part === part) === index)
  const made = await kind.adopt(first, name)
  const identity = (made: Made) => made.fingerprint ?? keys.fingerprint(made.parts)
  for (const other of found.filter((one) => !first.includes(one))) {
    const instead = first.map((one) => (one.part === other.part ? other : one))
    if (identity(await kind.adopt(instead, name)) !== identity(made)) {
      const places = first.map(({ place }) => place).join(' and ')
      throw new OperatorError(`${other.place} holds another ${name} than ${places}`, {
        kind: 'needs-attention',
        hint: 'put the value that is in use into all of them; nothing is changed before',
      })
    }
  }
  return made
}

async function readAll(material: ManagedMaterial<MadeHere>): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const target of material.targets.filter(({ role }) => role === 'active')) {
    const { path, key } = target.place
    for (const { name, part, format, bytes } of await readTarget(target)) {
      const place = [path, name ?? key].filter((word) => word !== undefined).join(' ')
      found.push({ ...resolvePart(material.kind, part, format), bytes, place })
    }
  }
  return found
}

type ReadHere = Omit<ReadPart, 'name'> & { readonly name?: string }

async function readTarget(target: Target): Promise<readonly ReadHere[]> {
  const signal = AbortSignal.timeout(patience)
  if (target.readParts) return target.readParts(signal)
  const bytes = await target.read?.(signal)
  const { part, format } = target
  return bytes ? [{ bytes, ...(part !== undefined && { part }), ...(format && { format }) }] : []
}

/** Whether what a target holds can be read back, as that of a database key cannot. */
export function isReadable(target: Target): boolean {
  return target.read !== undefined || target.readParts !== undefined
}
