import type * as fc from 'fast-check'
import type { Trial } from './trial.ts'

/** One way in for bad input, and what must be true of whatever comes in there. */
export interface FuzzClass<Input = unknown, Outcome = unknown> {
  readonly name: string
  /** Cases in each round through all classes. */
  readonly share: number
  /** Cases under way at once; 1 by default. More where a case waits for other processes. */
  readonly abreast?: number
  /** Milliseconds that a case may take; 2 000 by default. */
  readonly patience?: number
  /** Shrinks, so that a violation comes with a small input. Secrets stand in it as {@link placeholder}. */
  readonly inputs: fc.Arbitrary<Input>
  /** Makes what all cases share. */
  open(folder: string): Promise<Opened<Input, Outcome>>
}

export interface Opened<Input, Outcome> {
  /**
   * Tries one input in the trial's folder, which is empty.
   * @throws whatever there is to object
   */
  attempt(input: Input, trial: Trial): Promise<Outcome>
  /**
   * Has independent readers look at many outcomes at once: starting a program takes longer than what it does.
   * @returns for each outcome what there is to object, if anything
   */
  judge?(outcomes: readonly Outcome[]): Promise<readonly (string | undefined)[]>
  /** What this run had to do without, for the notes. */
  readonly missing?: readonly string[]
  close?(): Promise<void>
}

/** Stands in inputs where a secret belongs; each case has a random one of the same length. */
export const placeholder = 'CANARYcanaryCANARYcanary'
