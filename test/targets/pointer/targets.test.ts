import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { json } from '../../../src/targets/json.ts'
import { toml } from '../../../src/targets/toml.ts'
import { yaml } from '../../../src/targets/yaml.ts'
import { describeTarget, type TestPlace } from '../../contracts/target.ts'
import { leftoversBeside, snapshotOf, targetContext } from '../../support/file-place.ts'
import { testEdition } from '../../support/test-edition.ts'

const types = { json, toml, yaml }

/** Files with `/auth/token` and a place for `/auth/other`, and what an operator puts before them. */
const files = {
  json: {
    edit: '\n\n',
    contents: {
      present: '{\n  "auth": { "token" : "old", "n": 1 },\n  "b": [1, 2]\n}\n',
      missing: '{"auth":{"n":1}}',
    },
  },
  toml: {
    edit: '# edited\n',
    contents: {
      present: "# c\n[ auth ]  # hi\ntoken='old' # t\nn = 1\n\n[b]\nx = 1\n",
      missing: '[auth]\nn = 1\n[b]\nx = 1\n',
      inline: 'auth = { n = 1, token = "old" } # kept\n',
    },
  },
  yaml: {
    edit: '# edited\n',
    contents: {
      present: "# c\nauth:\n  token: 'old'   # t\n  n: 1\nb: no\n",
      missing: 'auth:\n  n: 1 # n\n\nb: 0123\n',
      block: 'auth:\n  token: |\n    two\n    lines\n  n: 1\n',
      flow: '{auth: {n: 1, token: old}, b: 1}\n',
    },
  },
}

for (const [name, { edit, contents }] of Object.entries(files)) {
  const type = types[name as keyof typeof types]
  for (const [state, content] of Object.entries(contents)) {
    describeTarget(`${name}, ${state}`, async (folder): Promise<TestPlace> => {
      const path = join(folder, 'config')
      await writeFile(path, content, { mode: 0o640 })
      const create = (pointer: string) =>
        type.create(type.schema.parse({ path, pointer }), targetContext)
      return {
        target: create('/auth/token'),
        first: testEdition(1, 'fi/rst+='),
        second: testEdition(2, 'it\'s "q" \\ # $\n\u007f\u2028é: - '),
        neighbour: { target: create('/auth/other'), edition: testEdition(7, 'no') },
        snapshot: () => snapshotOf(path),
        leftovers: () => leftoversBeside(path),
        edit: async () => writeFile(path, edit + (await readFile(path, 'utf8'))),
        isEdited: async () => (await readFile(path, 'utf8')).startsWith(edit),
        hide: () => rename(folder, `${folder}-away`),
      }
    })
  }
}
