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

export function madeByItsConsumer(name: string): OperatorError {
  return new OperatorError(`${name} is made and held by its consumer: nothing can be put there`, {
    kind: 'refused',
    hint: `\`rekeyd rotate ${name}\` makes the consumer make the next one`,
  })
}
