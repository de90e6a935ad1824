import { access } from './access.ts'
import { backups } from './backups.ts'
import { consumers } from './consumers.ts'
import { databases } from './databases.ts'
import type { Mutant } from './mutant.ts'
import { places } from './places.ts'
import { proofs } from './proofs.ts'
import { rotation } from './rotation.ts'
import { schedules } from './schedules.ts'
import { store } from './store.ts'

/** All of them; `tools/mutants.js` runs them, `table.test.ts` keeps them true. */
export const mutants: readonly Mutant[] = [
  ...rotation,
  ...proofs,
  ...store,
  ...backups,
  ...places,
  ...databases,
  ...consumers,
  ...schedules,
  ...access,
]
