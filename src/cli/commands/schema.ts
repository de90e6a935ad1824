import type { Command } from 'commander'
import type { Session } from '../session/session.ts'

export function addSchema(program: Command, session: Session): void {
  program
    .command('schema')
    .description('print the JSON Schema of the config, for editors')
    .action(async () => {
      const schema = await session.parts.jsonSchema()
      session.answer({ schema }, () => `${JSON.stringify(schema, null, 2)}\n`)
    })
}
