import { backupProblems } from './backup-problems.ts'
import type { Catalogs } from './catalogs.ts'
import type { Config } from './config.ts'
import { instantiate } from './instances.ts'
import { listenProblems } from './listen-problems.ts'
import { materialProblems } from './material-problems.ts'
import { nameProblems } from './name-problems.ts'
import { placeProblems } from './place-problems.ts'
import type { Problem } from './problem.ts'
import { resolve } from './resolve.ts'
import { scheduleProblems } from './schedule-problems.ts'
import type { ParsedConfig } from './schema.ts'

/** Where a config comes from, and when it is judged. */
export interface CheckOptions {
  readonly path: string
  readonly catalogs: Catalogs
  /** Epoch milliseconds; windows are looked at from here on. */
  readonly now: number
}

/** What no single value shows: names that lead nowhere, places written twice, times that never meet. */
export function check(
  parsed: ParsedConfig,
  { path, catalogs, now }: CheckOptions,
): { readonly config: Config; readonly problems: readonly Problem[] } {
  const config = resolve(path, parsed, catalogs)
  const instances = instantiate(config, catalogs)
  return {
    config,
    problems: [
      ...listenProblems(config),
      ...nameProblems(parsed),
      ...instances.problems,
      ...materialProblems(parsed, instances),
      ...placeProblems(config, instances),
      ...backupProblems(config),
      ...scheduleProblems(config, instances, now),
    ],
  }
}
