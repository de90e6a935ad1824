import { readFile } from 'node:fs/promises'
import type { Remark } from '../model/remark.ts'
import { isWithin } from '../support/safe-path.ts'
import { isSamePath } from '../support/same-path.ts'
import { showUnit, type Unit } from '../support/systemctl.ts'
import type { Place } from '../targets/target.ts'
import type { Uptake } from './consumer.ts'
import { startsAnew } from './picks-up.ts'
import { type UnitFacts, unitFacts } from './unit-facts.ts'

const homes = ['/home', '/root', '/run/user']

/** Whether a change at these places would reach the unit, by how the manager says that it reads them. */
export async function examineUnit(
  unit: Unit,
  { verb, places }: Uptake,
  signal: AbortSignal,
): Promise<readonly Remark[]> {
  const facts = await unitFacts(unit, signal)
  const { active } = await showUnit(unit, signal)
  const remarks = places.map((place) => reading(unit, facts, place))
  const copied = places.filter(({ path }) => includes(facts.credentials, path))
  const hidden = places.filter(
    ({ path, reads }) => reads !== 'environment' && isHidden(facts, path),
  )
  return [
    ...general(unit, facts, verb, active),
    ...(await Promise.all(remarks)).flat(),
    ...(startsAnew(verb) ? [] : copied.map(({ path }) => copiedAtStart(unit, path, verb))),
    ...hidden.map(({ path }) => outOfSight(unit, facts, path)),
  ]
}

function general(
  { unit }: Unit,
  { canReload, isStale }: UnitFacts,
  verb: Uptake['verb'],
  active: string,
): readonly Remark[] {
  const remarks: Remark[] = []
  if (verb === 'reload' && !canReload) {
    remarks.push({
      level: 'failure',
      check: 'consumer-verb',
      place: unit,
      message: `${unit} has no ExecReload=: systemctl reload would fail`,
      hint: 'set `apply: restart` on the consumer, or give the unit an ExecReload=',
    })
  }
  if (isStale) {
    remarks.push({
      level: 'warning',
      check: 'consumer-unit',
      place: unit,
      message: `the files of ${unit} were changed and not read again`,
      hint: 'systemctl daemon-reload',
    })
  }
  if (active === 'failed') {
    remarks.push({
      level: 'warning',
      check: 'consumer-unit',
      place: unit,
      message: `${unit} has failed: a rotation would start it`,
      hint: `see journalctl -u ${unit}`,
    })
  }
  return remarks
}

/** A variable reaches the unit by its `EnvironmentFile=` only, and the last one that sets it counts. */
async function reading(
  { unit }: Unit,
  facts: UnitFacts,
  { path, key, reads }: Place,
): Promise<readonly Remark[]> {
  if (reads !== 'environment' || key === undefined) return []
  const { environmentFiles, environment } = facts
  const at = environmentFiles.findIndex((file) => isSamePath(file, path))
  if (at < 0) return [notRead(unit, path)]
  const later = environmentFiles.slice(at + 1)
  const shadows = await filesThatSet(key, later)
  const remarks = shadows.map((file) => shadowed(unit, path, key, file))
  if (environment.has(key)) remarks.push(shownToAll(unit, path, key, facts))
  return remarks
}

function notRead(unit: string, path: string): Remark {
  return {
    level: 'warning',
    check: 'variable-read',
    place: path,
    message: `${unit} has no EnvironmentFile=${path}: nothing in it reaches the unit by itself`,
    hint: `add EnvironmentFile=${path} to the unit, or remove the consumer if another one reads it`,
  }
}

function shadowed(unit: string, path: string, key: string, file: string): Remark {
  return {
    level: 'failure',
    check: 'variable-shadowed',
    place: path,
    message: `${key} is set again in ${file}, which ${unit} reads after ${path}: that one counts`,
    hint: `remove ${key} from ${file}`,
  }
}

function shownToAll(unit: string, path: string, key: string, { unitFiles }: UnitFacts): Remark {
  return {
    level: 'warning',
    check: 'variable-shadowed',
    place: path,
    message: `${key} is set by Environment= of ${unit}, too: everybody can read that, and it counts when ${path} is gone`,
    hint: `remove it from ${unitFiles.join(' or ')}, then systemctl daemon-reload`,
  }
}

function copiedAtStart({ unit }: Unit, path: string, verb: string): Remark {
  return {
    level: 'failure',
    check: 'consumer-verb',
    place: path,
    message: `${unit} gets ${path} by LoadCredential=, which copies it at the start: \`${verb}\` would leave the old one`,
    hint: 'set `apply: restart` on the consumer',
  }
}

function outOfSight({ unit }: Unit, { protectHome }: UnitFacts, path: string): Remark {
  return {
    level: 'failure',
    check: 'readable-by-consumer',
    place: path,
    message: `${unit} does not see ${path}: ProtectHome=${protectHome}`,
    hint: 'write it elsewhere, such as below /etc or /var/lib',
  }
}

function isHidden({ protectHome, credentials }: UnitFacts, path: string): boolean {
  const hides = protectHome === 'yes' || protectHome === 'tmpfs'
  return hides && homes.some((home) => isWithin(path, home)) && !includes(credentials, path)
}

/** Only names are looked for, and a file that cannot be read sets nothing that we know of. */
async function filesThatSet(key: string, files: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const file of files) {
    const text = await readFile(file, 'latin1').catch(() => '')
    if (new RegExp(`^[ \\t]*${key}[ \\t]*=`, 'm').test(text)) found.push(file)
  }
  return found
}

function includes(paths: readonly string[], path: string): boolean {
  return paths.some((one) => isSamePath(one, path))
}
