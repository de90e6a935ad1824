import type { Consumer } from '../consumers/consumer.ts'
import type { Kind } from '../materials/kind.ts'
import type { Schedule } from '../scheduler/schedule.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Target } from '../targets/target.ts'
import type { Catalogs } from './catalogs.ts'
import type { Choice } from './choice.ts'
import type { Config, ConsumerConfig, MaterialConfig } from './config.ts'
import type { Path, Problem } from './problem.ts'

/** What the config describes, made once without a store or a clock, to ask what can be known beforehand. */
export interface Instances {
  readonly materials: readonly MaterialInstance[]
  readonly consumers: ReadonlyMap<string, Consumer>
  /** What refused to be made. */
  readonly problems: readonly Problem[]
}

export interface MaterialInstance {
  readonly config: MaterialConfig
  readonly path: Path
  readonly kind: Kind | undefined
  readonly expires: boolean
  readonly requiredTarget: string | undefined
  readonly schedule: Schedule | undefined
  readonly targets: readonly TargetInstance[]
}

export interface TargetInstance {
  readonly path: Path
  readonly target: Target
}

/** Makes everything; what cannot be made is left out and reported. */
export function instantiate(config: Config, catalogs: Catalogs): Instances {
  const problems: Problem[] = []
  const attempt = <T>(path: Path, make: () => T): T | undefined => {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      const hint = error.hint === undefined ? '' : `; ${error.hint}`
      problems.push({ path, message: `${error.message}${hint}` })
      return undefined
    }
  }
  const consumers = new Map<string, Consumer>()
  for (const consumer of config.consumers) {
    const path = ['consumers', consumer.name]
    const made = attempt(path, () => makeConsumer(consumer, config, catalogs, attempt))
    if (made) consumers.set(consumer.name, made)
  }
  const materials = config.materials.map((material) =>
    makeMaterial(material, config, catalogs, attempt),
  )
  return { materials, consumers, problems }
}

type Attempt = <T>(path: Path, make: () => T) => T | undefined

/** No store stands behind it yet. */
const noEdition = async () => undefined

function makeConsumer(
  { name, reach, ready }: ConsumerConfig,
  { stateDir, storeKey }: Config,
  catalogs: Catalogs,
  attempt: Attempt,
) {
  for (const [index, { type, options }] of ready.entries()) {
    attempt(['consumers', name, 'ready', index], () =>
      entry(catalogs.verifiers, type).create(options, {
        targets: [],
        editionOf: noEdition,
        stateDir,
        storeKey,
      }),
    )
  }
  return entry(catalogs.consumers, reach.type).create(reach.options)
}

function makeMaterial(
  config: MaterialConfig,
  { stateDir, storeKey }: Config,
  catalogs: Catalogs,
  attempt: Attempt,
): MaterialInstance {
  const { name } = config
  const path: Path = ['materials', name]
  const context = { material: name, editionOf: noEdition, stateDir, storeKey }
  const kindType = entry(catalogs.kinds, config.kind.type)
  const make = ({ type, options }: Choice, index: number) => {
    const at = [...path, 'targets', index, type]
    const target = attempt(at, () => entry(catalogs.targets, type).create(options, context))
    return target ? [{ path: at, target }] : []
  }
  const targets = config.targets.flatMap(make)
  const places = targets.map(({ target: { type, place } }) => ({ type, place }))
  for (const [index, { type, options }] of config.verify.entries()) {
    attempt([...path, 'verify', index], () =>
      entry(catalogs.verifiers, type).create(options, { ...context, targets: places }),
    )
  }
  const { schedule } = config
  return {
    config,
    path,
    kind: attempt(path, () => kindType.create(config.kind.options, context)),
    expires: kindType.expires === true,
    requiredTarget: kindType.target,
    schedule: attempt([...path, 'rotate'], () =>
      entry(catalogs.schedules, schedule.type).create(schedule.options),
    ),
    targets,
  }
}

/** The schema has let through only what the catalog has. */
function entry<T>(catalog: Readonly<Record<string, T>>, name: string): T {
  const found = catalog[name]
  if (!found) throw new RangeError(`no ${name} in the catalog`)
  return found
}
