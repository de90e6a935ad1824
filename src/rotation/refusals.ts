import { OperatorError } from '../support/operator-error.ts'

export function unknownMaterial(name: string, known: readonly string[]): OperatorError {
  return new OperatorError(`there is no material ${name}`, {
    kind: 'not-found',
    hint: `the configured ones are ${known.join(', ')}`,
  })
}

export function nothingToAdopt(name: string): OperatorError {
  return new OperatorError(`there is nothing to adopt: no target of ${name} holds one`, {
    kind: 'refused',
    hint: `put one there, or set on_missing: create and run \`rekeyd rotate ${name}\``,
  })
}
