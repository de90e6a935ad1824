import { env } from '../../../../src/targets/env.ts'
import { file } from '../../../../src/targets/file.ts'
import { fileSet } from '../../../../src/targets/file-set.ts'
import { json } from '../../../../src/targets/json.ts'
import { toml } from '../../../../src/targets/toml.ts'
import { yaml } from '../../../../src/targets/yaml.ts'

const pointer = '/token'

/** What each type writes to, in which `old` is the value; and its options beside the path. */
export const types = {
  file: { of: file, options: {}, content: 'old' },
  env: { of: env, options: { key: 'TOKEN', dialect: 'docker' }, content: 'A=1\nTOKEN=old\nB=2\n' },
  toml: { of: toml, options: { pointer }, content: 'a = 1\ntoken = "old"\n' },
  yaml: { of: yaml, options: { pointer }, content: 'a: 1\ntoken: "old"\nb: 2\n' },
  json: { of: json, options: { pointer }, content: '{"a": 1, "token": "old"}\n' },
  file_set: { of: fileSet, options: { files: { key: {} } }, content: 'no folder' },
} as const
export type Type = keyof typeof types
