import { consumers } from '../consumers/catalog.ts'
import type { ConsumerType } from '../consumers/consumer.ts'
import { kinds } from '../materials/catalog.ts'
import type { KindType } from '../materials/kind.ts'
import { schedules } from '../scheduler/catalog.ts'
import type { ScheduleType } from '../scheduler/schedule.ts'
import { storeKeyKind } from '../store/store-key-kind.ts'
import { storeKeyTarget } from '../store/store-key-target.ts'
import { storeKeyVerifier } from '../store/store-key-verifier.ts'
import { targets } from '../targets/catalog.ts'
import type { TargetType } from '../targets/target.ts'
import { verifiers } from '../verifiers/catalog.ts'
import type { VerifierType } from '../verifiers/verifier.ts'

/** Everything the config can name. What an entry takes is what its own schema gives. */
export interface Catalogs {
  readonly kinds: Readonly<Record<string, KindType<unknown>>>
  readonly schedules: Readonly<Record<string, ScheduleType<unknown>>>
  readonly targets: Readonly<Record<string, TargetType<unknown>>>
  readonly consumers: Readonly<Record<string, ConsumerType<unknown>>>
  readonly verifiers: Readonly<Record<string, VerifierType<unknown>>>
}

/** What lives in the folder that it changes is listed here. */
export const catalogs: Catalogs = {
  kinds: { ...kinds, 'store-key': storeKeyKind },
  schedules,
  targets: { ...targets, store_key: storeKeyTarget },
  consumers,
  verifiers: { ...verifiers, store_key: storeKeyVerifier },
}
