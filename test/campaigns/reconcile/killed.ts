import { rmSync } from 'node:fs'
import type { MaterialView } from '../../../src/operations/views.ts'
import { word } from './host.ts'
import type { Judge } from './judge.ts'

/** Something else that happened to the places before the next start. */
type Also = (judge: Judge) => void

/** Nothing but kill -9 in a rotation: the next start ends it, the world is wholly old or new. */
export async function playKilled(judge: Judge): Promise<void> {
  const view = await startAfter(judge, () => {})
  if (!/^(idle|retrying|suspended)$/.test(view.state)) {
    judge.say(`after the kill ${view.name} is ${view.state}: ${view.reason}`)
  }
  expectOneValue(judge)
}

/** What was lost by the cut is the whole rotation: it never happened. */
export async function playKilledPutBack(judge: Judge): Promise<void> {
  const { host, history } = judge
  const view = await startAfter(judge, () => host.revert(history.killed, 'before-kill', true))
  if (!/^(idle|retrying|suspended)$/.test(view.state)) {
    judge.say(`after the kill ${view.name} is ${view.state}: ${view.reason}`)
  }
  expectOneValue(judge)
}

/** The operator has come before rekeyd: what they wrote stays. */
export async function playKilledEdited(judge: Judge): Promise<void> {
  const { host, history } = judge
  const place = host.random.pick(host.placesOf(history.killed))
  const byHand = judge.putByHand(word('by-hand'))
  const view = await startAfter(judge, () => place.overwrite(byHand, host.random))
  if (place.value() !== byHand) judge.say(`an edit of ${place.target} is lost`)
  if (!/^(needs_attention|retrying)$/.test(view.state)) {
    judge.say(`after the kill and an edit ${view.name} is ${view.state}: ${view.reason}`)
  }
  judge.expectEnd(await host.run('apply', history.killed), { exit: 0 }, 'apply')
  expectOneValue(judge)
}

/** A place is gone on top of it. */
export async function playKilledRemoved(judge: Judge): Promise<void> {
  const { host, history } = judge
  const place = host.random.pick(host.placesOf(history.killed))
  const view = await startAfter(judge, () => rmSync(place.path))
  if (view.state === 'rotating') judge.say(`${view.name} still rotates after the start`)
}

async function startAfter(judge: Judge, also: Also): Promise<MaterialView> {
  const { host, history } = judge
  const content = host.database?.content()
  also(judge)
  const daemon = await host.start()
  const view = await judge.expectState(daemon, history.killed, /./)
  if (history.killed !== 'db-key') judge.expectDatabase(content)
  return view
}

function expectOneValue({ host, history, say }: Judge): void {
  const values = new Set(host.placesOf(history.killed).map(({ value }) => value()))
  if (values.size > 1) say(`its places hold ${[...values].join(' and ')}`)
}
