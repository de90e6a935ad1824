import { existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Place } from '../places/place.ts'
import { type Host, isFileSet, word } from './host.ts'
import type { Judge } from './judge.ts'
import { differences } from './tree.ts'

type Play = (judge: Judge) => Promise<void>

const blocked = /^needs_attention: drift: /
const byHand = word('by-hand')

/** The rename of the last rotation is undone by a power cut: the active version is written again. */
export const lostRename: Play = async (judge) => {
  const { host, history } = judge
  const name = history.last
  const [value, content] = [host.valueOf(name), host.database?.content()]
  host.revert(name, 'before-last')
  bootSinceThen(host)
  const daemon = await host.start()
  for (const one of host.names) await judge.expectState(daemon, one, /^idle/, false)
  judge.expectValue(name, value)
  judge.expectSurroundings()
  judge.expectDatabase(content)
  judge.expectNoLeak()
}

/** The same, but the machine ran all the time: somebody put the old value back. */
export const putBack: Play = async (judge) => {
  const { host, history } = judge
  const name = history.last
  const value = host.valueOf(name)
  host.revert(name, 'before-last')
  const reverted = host.placesOf(name).map((place) => place.value())
  const daemon = await judge.untouched('the start', () => host.start())
  await judge.expectState(daemon, name, blocked, true)
  if (host.random.below(2) === 0) {
    judge.expectEnd(await host.run('apply', name), { exit: 0 }, 'apply')
    judge.expectValue(name, value)
    return
  }
  const ended = await judge.untouched('adopt', () => host.run('adopt', name))
  const [first = '', ...others] = new Set(reverted)
  if (others.length > 0) {
    judge.expectEnd(ended, { exit: 7, words: /does not hold|holds another/ }, 'adopt')
  } else if (name === history.leaky && first === history.leaked) {
    judge.expectEnd(ended, { exit: 5, words: /marked as compromised/ }, 'adopt')
  } else judge.expectEnd(ended, { exit: 0 }, 'adopt')
}

/** A set of files of which one is of the version before: no rename that is lost leaves that. */
export const halfGeneration: Play = async (judge) => {
  const { host } = judge
  const name = 'one'
  const place = host.placesOf(name).find(isFileSet)
  if (!place) throw new Error('there is no set of files')
  const value = place.value()
  const file = join(place.path, host.random.pick(['token', 'copy']))
  if (host.random.below(2) === 0) rmSync(file)
  else writeFileSync(file, word('first-of-one'))
  if (host.random.below(2) === 0) bootSinceThen(host)
  const daemon = await judge.untouched('the start', () => host.start())
  await judge.expectState(daemon, name, blocked, true)
  judge.expectEnd(await host.run('apply', name), { exit: 0 }, 'apply')
  judge.expectValue(name, value)
  await judge.expectState(daemon, name, /^idle/, false)
}

/** The operator changes the value at some of its places. */
export const foreignEdit: Play = async (judge) => {
  const { host } = judge
  const name = host.random.pick(host.names)
  const value = host.valueOf(name)
  const places = host.placesOf(name)
  const some = places.filter(() => host.random.below(2) === 0)
  const edited = some.length > 0 ? some : [host.random.pick(places)]
  for (const { overwrite } of edited) overwrite(judge.putByHand(byHand), host.random)
  if (host.random.below(2) === 0) bootSinceThen(host)
  // Or the first that hears of it is a command without a daemon.
  if (host.random.below(3) > 0) {
    const daemon = await judge.untouched('the start', () => host.start())
    await judge.expectState(daemon, name, blocked, true)
  }
  await refuseToRotate(judge, name, /needs attention: drift: /)
  await resolve(judge, name, value, edited)
}

async function resolve(
  judge: Judge,
  name: string,
  value: string | undefined,
  edited: readonly Place[],
): Promise<void> {
  const { host } = judge
  if (host.random.below(2) === 0) {
    judge.expectEnd(await host.run('apply', name), { exit: 0 }, 'apply')
    return judge.expectValue(name, value)
  }
  const isWhole = edited.length === host.placesOf(name).length
  const ended = await judge.untouched('adopt', () => host.run('adopt', name))
  const wanted = isWhole ? { exit: 0 } : { exit: 7, words: /does not hold|holds another/ }
  judge.expectEnd(ended, wanted, 'adopt')
}

/** The operator takes a file away. */
export const removed: Play = async (judge) => {
  const { host } = judge
  const name = host.random.pick(host.names)
  const value = host.valueOf(name)
  const place = host.random.pick(host.placesOf(name))
  rmSync(place.path)
  const daemon = await judge.untouched('the start', () => host.start())
  // What is in a database that is gone cannot be told.
  const isDatabase = place.target.startsWith('sql')
  const isBlocked = !place.target.startsWith('sqlite_row')
  await judge.expectState(daemon, name, isBlocked ? blocked : /^idle/, isBlocked)
  const ended = await host.run('apply', name)
  if (/^(env|file|file_set|command):/.test(place.target)) {
    judge.expectEnd(ended, { exit: 0 }, 'apply')
    return judge.expectValue(name, value)
  }
  // Where a value is only a part, nobody knows what else was there.
  if ((ended.exit === 0 && !isDatabase) || existsSync(place.path)) {
    judge.say(
      `apply ended with ${ended.exit}, and ${place.path} is there: ${existsSync(place.path)}`,
    )
  }
}

const spoiled: readonly ((path: string) => void)[] = [
  (path) => truncateSync(path),
  (path) => writeFileSync(path, '\0\x01 no text {'),
  (path) => {
    rmSync(path)
    mkdirSync(path)
  },
]

/** Something spoils a file: empty, no text, a folder. */
export const spoilt: Play = async (judge) => {
  const { host } = judge
  const name = host.random.pick(host.names)
  const place = host.random.pick(host.placesOf(name))
  const real = isFileSet(place) ? join(place.path, 'token') : place.path
  host.random.pick(spoiled)(real)
  const now = place.value()
  if (now !== undefined) judge.putByHand(now)
  await judge.untouched('the start and a rotation', async () => {
    const daemon = await host.start()
    await judge.expectState(daemon, name, /^(idle|needs_attention: drift)/)
    const { exit } = await host.run('rotate', name)
    if (exit === 0) judge.say(`rotate ${name} wrote over ${real}`)
  })
}

/** A folder is not there: a file system that is not mounted. */
export const unmounted: Play = async (judge) => {
  const { host } = judge
  const name = host.random.pick(host.names)
  const folder = dirname(host.random.pick(host.placesOf(name)).path)
  const away = join(host.folder, 'away')
  const before = host.tree()
  renameSync(folder, away)
  const daemon = await host.start()
  await judge.expectState(daemon, name, /^(idle|needs_attention: drift)/)
  const { exit } = await host.run('rotate', name)
  if (exit === 0) judge.say(`rotate ${name} went well without ${folder}`)
  if (existsSync(folder)) judge.say(`${folder} was made`)
  else {
    renameSync(away, folder)
    for (const difference of differences(before, host.tree())) judge.say(difference)
  }
}

/** Before the first start its places disagree: nothing is adopted. */
export const disagreement: Play = async (judge) => {
  const { host } = judge
  const name = host.names.find((one) => host.placesOf(one).length > 1) ?? 'one'
  const [place] = host.placesOf(name)
  if (host.placesOf(name).length > 1) place?.overwrite(judge.putByHand(byHand), host.random)
  else if (place) writeFileSync(join(place.path, 'copy'), byHand)
  const daemon = await judge.untouched('the first start', () => host.start())
  await judge.expectState(daemon, name, /^needs_attention: missing: /)
  await refuseToRotate(judge, name, /needs attention: missing: /)
}

/** @param words the reason for which it waits */
export async function refuseToRotate(judge: Judge, name: string, words: RegExp): Promise<void> {
  const ended = await judge.untouched('rotate', () => judge.host.run('rotate', name))
  judge.expectEnd(ended, { exit: 7, words }, `rotate ${name}`)
}

/** As if the machine had booted since the last rotation ended, and nobody had looked since. */
function bootSinceThen(host: Host): void {
  host.changeStore(
    `UPDATE schedules SET state = json_set(state, '$.seen.bootId', 'an earlier one')
     WHERE json_extract(state, '$.seen') IS NOT NULL`,
  )
}
