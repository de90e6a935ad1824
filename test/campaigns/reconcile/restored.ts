import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { DaemonProcess } from '../../scenarios/daemon-process.ts'
import { refuseToRotate } from './drift.ts'
import { type Copy, copies } from './history.ts'
import { type Judge, materialOf } from './judge.ts'
import { replaceWith } from './tree.ts'

/** What of an older state directory is brought back. */
export const extents = [
  'store.db with its log',
  'store.db without its log',
  'state directory',
  'state directory, a marker inside it included',
  'state directory and the marker beside it',
] as const
export type Extent = (typeof extents)[number]

/** Within which what leaked is replaced, on a machine that is busy with other things. Milliseconds. */
const patience = 60_000
const restoredStore = /^needs_attention: .*the store was restored from a backup/

/**
 * An older store: it writes nothing by itself, waits for `adopt`, uses no number twice, whatever was in use stays
 * in use, and what has leaked since the copy was made does not come back.
 */
export async function playRestored(judge: Judge, extent: Extent): Promise<void> {
  const { host } = judge
  const highest = Math.max(...host.rows().map(({ number }) => number))
  restore(judge, extent, host.random.pick(copies))
  const values = new Map(host.names.map((name) => [name, host.valueOf(name)]))
  if (extent === 'state directory and the marker beside it') return unnoticed(judge, values)
  const daemon = await judge.untouched('the start', () => host.start())
  for (const name of host.names) await judge.expectState(daemon, name, restoredStore)
  await expectMarked(judge, daemon)
  const name = host.random.pick(host.names)
  await host.random.pick([adopted, appliedLeak, adoptedLeak])(judge, daemon, name, highest)
}

/** The start of a store whose marker came with it: the targets show that it is old, and stay as they are. */
async function unnoticed(
  judge: Judge,
  values: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  const { host, history } = judge
  const daemon = await host.start()
  for (const name of host.names) judge.expectValue(name, values.get(name))
  const { leaky } = history
  await judge.expectState(daemon, leaky, /^needs_attention: drift: /, true)
  await refuseToRotate(judge, leaky, /needs attention: drift: /)
  const ended = await judge.untouched('adopt', () => host.run('adopt', leaky))
  judge.expectEnd(ended, { exit: 0 }, `adopt ${leaky}`)
  judge.expectNoLeak()
}

/** The copy does not know of the leak; the marker does. */
async function expectMarked({ history, say }: Judge, daemon: DaemonProcess): Promise<void> {
  const { active } = await materialOf(daemon, history.leaky)
  if (active?.compromised) return
  say(`version ${active?.version} of ${history.leaky} is active, has leaked, and is not marked`)
}

async function adopted(
  judge: Judge,
  daemon: DaemonProcess,
  name: string,
  highest: number,
): Promise<void> {
  const { host } = judge
  const value = host.valueOf(name)
  await refuseToRotate(judge, name, /needs attention: .*the store was restored/)
  const ended = await judge.untouched('adopt', () => host.run('adopt', name))
  judge.expectEnd(ended, { exit: 0 }, `adopt ${name}`)
  const before = (await materialOf(daemon, name)).active?.version ?? 0
  judge.expectEnd(await host.run('rotate', name), { exit: 0 }, `rotate ${name}`)
  const next = (await materialOf(daemon, name)).active?.version ?? 0
  if (next <= highest) judge.say(`version ${next} of ${name} was used up to ${highest} already`)
  await daemon.ask('POST', `/v1/materials/${name}/rollback`, {})
  judge.expectValue(name, value)
  const { active } = await materialOf(daemon, name)
  if (active?.version !== before) judge.say(`rolled back to ${active?.version}, not ${before}`)
}

/** Somebody wants the active version of the store to be written: it is the one that leaked. */
async function appliedLeak(judge: Judge): Promise<void> {
  const { host, history } = judge
  await host.run('apply', history.leaky)
  judge.expectNoLeak()
}

/** The places are old, too: what leaked is in use again, until it is replaced, at once. */
async function adoptedLeak(judge: Judge): Promise<void> {
  const { host, history } = judge
  const { leaky, leaked } = history
  for (const { overwrite } of host.placesOf(leaky)) overwrite(leaked, host.random)
  judge.expectEnd(await host.run('adopt', leaky), { exit: 0 }, `adopt ${leaky}`)
  const until = Date.now() + patience
  while (host.valueOf(leaky) === leaked && Date.now() < until) await pause(100)
  judge.expectNoLeak()
}

function restore({ host }: Judge, extent: Extent, copy: Copy): void {
  const older = join(host.folder, `older-${copy}`)
  // The probe of the rotation that was under way then.
  rmSync(join(host.folder, 'refuse'), { force: true })
  if (extent.startsWith('store.db')) {
    const ends = extent === 'store.db with its log' ? ['', '-wal'] : ['']
    for (const end of ['', '-wal', '-shm']) {
      rmSync(join(host.state, `store.db${end}`), { force: true })
    }
    for (const end of ends) {
      const from = join(older, `state/store.db${end}`)
      if (existsSync(from)) execFileSync('cp', ['-a', from, host.state])
    }
    return
  }
  replaceWith(join(older, 'state'), host.state)
  const marker = join(older, 'state.marker/store.marker')
  if (extent.includes('inside')) execFileSync('cp', ['-a', marker, host.state])
  if (extent.includes('beside')) replaceWith(join(older, 'state.marker'), `${host.state}.marker`)
}

/** The store of another machine, which its owner takes over: it waits as a restored one does. */
export async function playTakenOver(judge: Judge): Promise<void> {
  const { host } = judge
  host.changeStore(`UPDATE store SET machine = 'another'`)
  await judge.refuses({ exit: 7, words: /belongs to another machine/ }, 'status')
  const ended = await judge.untouched('the take-over', () => host.run('restore', '--take-over'))
  judge.expectEnd(ended, { exit: 0 }, 'restore --take-over')
  const daemon = await judge.untouched('the start', () => host.start())
  for (const name of host.names) await judge.expectState(daemon, name, restoredStore)
  const name = host.random.pick(host.names)
  await refuseToRotate(judge, name, /needs attention: .*the store was restored/)
  const adopted = await judge.untouched('adopt', () => host.run('adopt', name))
  judge.expectEnd(adopted, { exit: 0 }, `adopt ${name}`)
  await judge.expectState(daemon, name, /^idle/, false)
}
