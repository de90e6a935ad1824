import type { Consumer } from '../consumers/consumer.ts'
import type { MadeHere, Part } from '../materials/kind.ts'
import { shownWord, suggestion } from './closest.ts'
import type { Instances, MaterialInstance, TargetInstance } from './instances.ts'
import type { Problem } from './problem.ts'
import type { ParsedConfig } from './schema.ts'

/** Kinds without which old backups cannot be read: only the operator knows how old those are. */
const keepRequired = new Set(['database-key'])

/** What does not fit together within a material, and with its consumers. */
export function materialProblems(
  parsed: ParsedConfig,
  { materials, consumers }: Instances,
): Problem[] {
  return materials.flatMap((material) => [
    ...statedProblems(material, parsed),
    ...versionProblems(material),
    ...partProblems(material),
    ...publicProblems(material),
    ...requiredTargetProblems(material),
    ...offlineProblems(material, consumers),
  ])
}

/** What must be said and must not be left to a default. */
function statedProblems({ path, config, kind }: MaterialInstance, parsed: ParsedConfig): Problem[] {
  const stated = parsed.materials[config.name]
  const problems: Problem[] = []
  if (kind?.madeBy === 'rekeyd' && stated?.verify === undefined) {
    problems.push({
      path,
      at: 'key',
      message: '`verify` is missing; `verify: none` is allowed, rotations are then not proved',
    })
  }
  if (keepRequired.has(config.kind.type) && stated?.keep === undefined) {
    problems.push({
      path,
      at: 'key',
      message: `\`keep\` is missing; kind ${config.kind.type} wants it: how old is the oldest backup that you want to read?`,
    })
  }
  return problems
}

function versionProblems({ config, targets }: MaterialInstance): Problem[] {
  return targets.flatMap(({ path, target: { role } }) => {
    const at = [...path, 'version']
    if (role === 'next' && config.announce === 0) {
      return [{ path: at, message: '`version: next` needs `announce` in the material' }]
    }
    if (role === 'previous' && config.overlap === 0) {
      return [{ path: at, message: '`version: previous` needs `overlap` in the material' }]
    }
    return []
  })
}

function partProblems({ path, config, kind, targets }: MaterialInstance): Problem[] {
  if (!kind) return []
  if (kind.madeBy === 'rekeyd') return targets.flatMap((target) => partProblem(target, kind))
  const unused = (['targets', 'overlap', 'announce'] as const).filter((key) =>
    Array.isArray(config[key]) ? config[key].length > 0 : config[key] !== 0,
  )
  return unused.map((key) => ({
    path: [...path, key],
    at: 'key' as const,
    message: `kind ${config.kind.type} has no \`${key}\`: the consumer makes and holds it`,
  }))
}

/** `public: true` where there is nothing that anybody may have. */
function publicProblems({ path, config, kind }: MaterialInstance): Problem[] {
  if (!config.public || kind?.madeBy !== 'rekeyd') return []
  if (Object.values(kind.parts).some((part) => part.public)) return []
  const message = `kind ${config.kind.type} has no public part: all of it is secret`
  return [{ path: [...path, 'public'], at: 'key', message }]
}

function partProblem({ path, target }: TargetInstance, { parts }: MadeHere): Problem[] {
  const name = target.part ?? Object.keys(parts)[0] ?? ''
  const part: Part | undefined = Object.hasOwn(parts, name) ? parts[name] : undefined
  if (!part) {
    const known = Object.keys(parts)
    const shown = shownWord(name, known) ?? 'of this name'
    const message = `there is no part ${shown}${suggestion(name, known)}`
    return [{ path: [...path, 'part'], message }]
  }
  if (target.format === undefined || part.formats.includes(target.format)) return []
  const message = `part \`${name}\` has no format \`${target.format}\`; it has ${part.formats.join(', ')}`
  return [{ path: [...path, 'format'], message }]
}

function requiredTargetProblems({ path, requiredTarget, config, targets }: MaterialInstance) {
  const isThere = targets.some(({ target }) => target.type === requiredTarget)
  if (requiredTarget === undefined || isThere || config.targets.length > targets.length) return []
  const message = `kind ${config.kind.type} has no place without the target \`${requiredTarget}\``
  return [{ path, at: 'key' as const, message }]
}

/** Something that changes only while nobody has it open. */
function offlineProblems(
  { path, config, kind, targets }: MaterialInstance,
  consumers: ReadonlyMap<string, Consumer>,
): Problem[] {
  const offline = targets.find(({ target }) => target.offline)?.path
  const at = offline ?? (kind?.madeBy === 'consumer' && kind.offline ? path : undefined)
  if (!at) return []
  const what = offline ? 'this target' : 'this material'
  if (config.consumers.length === 0) {
    const message = `${what} changes only while its consumer is stopped: name it in \`consumers\``
    return [{ path: at, at: 'key', message }]
  }
  const unstoppable = config.consumers.find((name) => consumers.get(name)?.canStop === false)
  if (unstoppable === undefined) return []
  const message = `${what} changes only while its consumer is stopped, and rekeyd cannot stop \`${unstoppable}\``
  return [{ path: at, at: 'key', message }]
}
