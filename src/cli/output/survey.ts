import type { Survey } from '../../init/init.ts'
import { plain } from './style.ts'
import { list } from './table.ts'

/** What was found and what was not, before anything is written. */
export function surveyText({ found, unknown }: Survey): string {
  return [
    ...(found.length === 0
      ? []
      : ['found\n', list(found.map(({ where, what }) => [plain(where), what]))]),
    ...(unknown.length === 0
      ? []
      : ['not known\n', ...unknown.map((line) => `  - ${plain(line)}\n`)]),
  ].join('')
}

/** What the first `rekeyd run` would do. */
export function firstRunText({ materials, notBefore }: Survey): string {
  const names = materials.map(({ name }) => name).join(', ')
  const until = notBefore === undefined ? '' : ` and rotates nothing by itself before ${notBefore}`
  return [
    `the first \`rekeyd run\` adopts ${names}${until}\n`,
    list(materials.map(({ name, date, when }) => [name, date ?? when])),
  ].join('')
}

/** How to get a recovery recipient, for who gave none. */
export const withoutRecipient =
  'nobody can open a backup yet, and without its key the store is lost: `age-keygen -o key.txt` on another machine, then `recovery: { recipients: [age1…] }` in the config\n'
