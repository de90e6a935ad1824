import type { Place } from '../targets/target.ts'
import type { Verb } from './consumer.ts'

/** Verbs after which a new process runs: it has read everything anew, if its environment is made anew, too. */
export function startsAnew(verb: Verb): boolean {
  return verb === 'restart' || verb === 'recreate' || verb === 'stop-start'
}

/**
 * What a process that keeps running takes up: files it opens again, and what a program told it. Its
 * environment cannot change, and a database handle keeps the key it was opened with.
 */
export function readsAgain(verb: Verb, place: Place): boolean {
  return !startsAnew(verb) && (place.reads === 'file' || place.reads === 'command')
}
