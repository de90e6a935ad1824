import { join } from 'node:path'
import type { Remark } from '../../model/remark.ts'
import { isSamePath } from '../../support/same-path.ts'
import type { Place } from '../../targets/target.ts'
import type { Uptake } from '../consumer.ts'
import { startsAnew } from '../picks-up.ts'
import type { ComposeOptions } from './compose.ts'
import { type ServiceEnvironment, serviceEnvironment } from './compose-file.ts'
import type { Container } from './engine.ts'

/** Whether a change at these places would reach the containers, by how they were made. */
export async function examineContainers(
  containers: readonly Container[],
  compose: ComposeOptions | undefined,
  { verb, places }: Uptake,
): Promise<readonly Remark[]> {
  const environment = compose && (await serviceEnvironment(compose))
  return places.flatMap((place): readonly Remark[] => {
    if (place.reads === 'environment') {
      return compose && environment ? variableRemarks(compose, environment, place) : []
    }
    return startsAnew(verb) ? [] : mountRemarks(containers, place, verb)
  })
}

/** A mounted file stays the one that was there when the container started: a rename beside it is not seen. */
function mountRemarks(
  containers: readonly Container[],
  { path }: Place,
  verb: string,
): readonly Remark[] {
  return containers
    .filter(({ mounted }) => mounted.some((source) => isSamePath(source, path)))
    .map(({ name }) => ({
      level: 'failure',
      check: 'consumer-verb',
      place: path,
      message: `${path} is mounted into container ${name} as a single file: after \`${verb}\` it would still see the old one`,
      hint: 'mount the folder in its place, or set `apply: restart` on the consumer',
    }))
}

function variableRemarks(
  { service, project_dir }: ComposeOptions,
  { file, files, variables }: ServiceEnvironment,
  { path, key }: Place,
): readonly Remark[] {
  if (key === undefined) return []
  const at = files.findIndex((one) => isSamePath(one, path))
  const isInterpolated = isSamePath(path, join(project_dir, '.env'))
  const written = variables.get(key)
  const refers = written === undefined || new RegExp(`\\$\\{?${key}\\b`).test(written)
  const remark = (
    level: Remark['level'],
    check: string,
    message: string,
    hint: string,
  ): Remark => ({
    level,
    check,
    place: path,
    message,
    hint,
  })
  if (at < 0 && !isInterpolated) {
    const message = `${file} has no env_file ${path} for ${service}: nothing in it reaches the container`
    return [remark('warning', 'variable-read', message, `add it to env_file of ${service}`)]
  }
  if (variables.has(key) && !refers) {
    const message = `${key} is set by \`environment\` of ${service} in ${file}, which wins over ${path}`
    return [remark('failure', 'variable-shadowed', message, `remove ${key} from \`environment\``)]
  }
  return []
}
