import { z } from 'zod'
import { compose } from './env-dialects/compose.ts'
import { docker } from './env-dialects/docker.ts'
import { shell } from './env-dialects/shell.ts'
import { systemd } from './env-dialects/systemd.ts'
import { KeyedFile } from './keyed-file.ts'
import type { TargetType } from './target.ts'
import { Variable } from './variable.ts'
import { targetPath, writtenFields, writtenPart } from './written-part.ts'

const dialects = { systemd, compose, docker, shell }

const schema = z.strictObject({
  path: targetPath.describe('The file of environment variables.'),
  key: z
    .string()
    .regex(/^[A-Za-z_]\w{0,254}$/, { error: 'not a name of an environment variable' })
    .describe('The variable.'),
  dialect: z
    .enum(['systemd', 'compose', 'docker', 'shell'])
    .describe(
      'Who reads the file: EnvironmentFile= of systemd, .env or env_file of Docker Compose, `docker run --env-file`, or a POSIX shell.',
    ),
  ...writtenPart,
})

/** One variable in a file of environment variables. */
export const env: TargetType<z.output<typeof schema>> = {
  schema,
  create(options, { stateDir }) {
    return new KeyedFile({
      type: 'env',
      path: options.path,
      key: options.key,
      reads: options.dialect === 'shell' ? 'file' : 'environment',
      slot: new Variable(options.key, dialects[options.dialect]),
      written: writtenFields(options),
      stateDir,
    })
  },
}
