import { command } from './command.ts'
import { env } from './env.ts'
import { file } from './file.ts'
import { fileSet } from './file-set.ts'
import { json } from './json.ts'
import { sqlcipher } from './sqlcipher.ts'
import { sqliteRow } from './sqlite-row.ts'
import type { TargetType } from './target.ts'
import { toml } from './toml.ts'
import { yaml } from './yaml.ts'

/** Every place a material can be written to, by the name the config uses. */
export const targets = {
  file,
  file_set: fileSet,
  env,
  toml,
  yaml,
  json,
  sqlite_row: sqliteRow,
  sqlcipher,
  command,
} satisfies Record<string, TargetType<unknown>>
