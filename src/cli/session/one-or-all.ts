import { OperatorError } from '../../support/operator-error.ts'

/**
 * The material that is meant; undefined for all of them, which must be said.
 * @throws OperatorError `usage` for neither and for both
 */
export function oneOrAll(
  command: string,
  name: string | undefined,
  all: true | undefined,
): string | undefined {
  if ((name === undefined) === (all === true)) return name
  throw new OperatorError(`${command} needs the name of a material, or --all`, {
    kind: 'usage',
    hint: '`rekeyd status` lists the materials',
  })
}
