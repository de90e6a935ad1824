import { createHash } from 'node:crypto'
import type { Version, VersionState } from '../../model/version.ts'
import type { Tellable } from '../channel.ts'

/** What became of a version, as its clients see it. */
type Turn = 'announced' | 'active' | 'retired' | 'withdrawn' | 'compromised'

/** A version of a public material of which clients have to know. */
export interface PublicChange extends Tellable {
  /** The same for every try, also after a restart; another one when it comes to the same again. */
  readonly id: string
  /** `version.active`, … */
  readonly type: `version.${Turn}`
  readonly material: string
  readonly number: number
  /** When it was seen. Epoch milliseconds. */
  readonly at: number
}

/** How causes of this kind begin. No other cause does. */
const prefix = 'public '

export function isOfPublicPart(cause: string): boolean {
  return cause.startsWith(prefix)
}

/** How all causes of one version begin. */
export function causesOf({ material, number }: { material: string; number: number }): string {
  return `${prefix}${material} ${number} `
}

const turns: Readonly<Record<VersionState, Turn>> = {
  prepared: 'announced',
  active: 'active',
  retiring: 'retired',
  withdrawn: 'withdrawn',
  destroyed: 'withdrawn',
}

/** Under which its present standing is told. */
export function causeOf(version: Version): string {
  return `${causesOf(version)}${turnOf(version)}`
}

/**
 * Where each version stands, lowest number first. Who was never told of one need not hear that it is no more.
 * @param isKnown whether anything was told of a version, by {@link causesOf}
 */
export function publicChanges(
  versions: readonly Version[],
  isKnown: (causes: string) => boolean,
  now: number,
): readonly PublicChange[] {
  return versions
    .toSorted((one, other) => one.number - other.number)
    .filter((version) => isLive(version) || isKnown(causesOf(version)))
    .map((version) => changeOf(version, now))
}

function isLive({ state }: Version): boolean {
  return state === 'prepared' || state === 'active' || state === 'retiring'
}

function turnOf({ state, compromised }: Version): Turn {
  return compromised ? 'compromised' : turns[state]
}

function changeOf(version: Version, now: number): PublicChange {
  const { material, number, fingerprint } = version
  const turn = turnOf(version)
  const cause = causeOf(version)
  // The moment tells a rollback to a version from its first activation, the fingerprint one host from another.
  const moment = turn === 'compromised' ? 0 : (version.activeSince ?? 0)
  const hash = createHash('sha256').update(`${cause} ${fingerprint} ${moment}`).digest('base64url')
  return {
    cause,
    id: `msg_${hash.slice(0, 32)}`,
    type: `version.${turn}`,
    title: `${material} ${number} is ${turn}`,
    material,
    number,
    at: now,
    reminded: false,
  }
}
