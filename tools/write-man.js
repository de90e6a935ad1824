// Writes deploy/man/rekeyd.1 anew from the command line, after a command or an option was changed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manual } from '../src/cli/manual.ts'
import { buildProgram } from '../src/cli/program.ts'
import { rekeydParts } from '../src/cli/session/rekeyd-parts.ts'
import { Session } from '../src/cli/session/session.ts'
import { processTerminal } from '../src/cli/session/terminal.ts'

const path = join(import.meta.dirname, '../deploy/man/rekeyd.1')
writeFileSync(path, manual(buildProgram(new Session(processTerminal(), rekeydParts))))
